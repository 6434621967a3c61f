-- The PBX's journal. Run once as a database superuser, in a database of its own:
--     createdb -O odoo callcenter_journal
--     psql -d callcenter_journal -v reader=odoo -f journal.sql
-- `reader` is the role of Odoo, which reads the journal and clears old rows.

CREATE TABLE IF NOT EXISTS cel (
    id bigserial PRIMARY KEY,
    eventtype text NOT NULL,
    eventtime timestamp NOT NULL,
    cid_name text,
    cid_num text,
    cid_ani text,
    cid_rdnis text,
    cid_dnid text,
    exten text,
    context text,
    channame text,
    appname text,
    appdata text,
    amaflags text,
    accountcode text,
    peeraccount text,
    uniqueid text,
    linkedid text,
    userfield text,
    peer text,
    extra text
);
CREATE INDEX IF NOT EXISTS cel_eventtime_index ON cel (eventtime);
CREATE INDEX IF NOT EXISTS cel_linkedid_index ON cel (linkedid);
ALTER TABLE cel OWNER TO :"reader";

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'callcenter_pbx') THEN
        CREATE ROLE callcenter_pbx LOGIN PASSWORD 'change-me';
    END IF;
END
$$;
GRANT INSERT ON cel TO callcenter_pbx;
GRANT USAGE ON SEQUENCE cel_id_seq TO callcenter_pbx;
