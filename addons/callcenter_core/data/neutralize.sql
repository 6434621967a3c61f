-- a copy of a database must not dial, nor take part in the calls of the original
UPDATE callcenter_pbx
   SET active = false;
