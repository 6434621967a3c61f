{
    "name": "Call Center: development shim",
    "summary": "Lets browser tests run on Debian's package of Odoo",
    "version": "19.0.1.0.0",
    # Debian leaves this one file out, yet mail's manifest loads it: the browser
    # then logs an error, and every tour and unit test fails on that alone.
    "depends": ["mail"],
    "auto_install": True,
    "author": "Call Center for Odoo",
    "license": "LGPL-3",
    "assets": {
        "web.assets_backend": [
            (
                "remove",
                "mail/static/lib/selfie_segmentation/selfie_segmentation.js",
            ),
        ],
    },
}
