# Part of the call centre for Odoo. See LICENSE file for full copyright and licensing.
"""The PBX side of the call centre, in plain Python: nothing of Odoo is imported here.

:mod:`.ami` speaks with Asterisk, :mod:`.tracker` and :mod:`.journal` make
:mod:`.facts` of what it tells, :mod:`.numbers` knows telephone numbers. The modules
are not imported here, so that each brings only what it needs.
"""
