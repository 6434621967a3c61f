// Odoo's own rules for JavaScript (addons/web/tooling), as this eslint spells them.
import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import globals from "globals";

export default [
    { ignores: [".sandbox/", "addons/*/static/lib/"] },
    js.configs.recommended,
    prettier,
    {
        languageOptions: {
            ecmaVersion: 2022,
            sourceType: "module",
            globals: { ...globals.browser, odoo: "readonly", luxon: "readonly" },
        },
        linterOptions: { reportUnusedDisableDirectives: "error" },
        rules: {
            curly: ["error", "all"],
            "no-debugger": "error",
            "no-restricted-globals": ["error", "event", "self"],
            "no-undef": "error",
            "no-unused-vars": ["error", { args: "none", ignoreRestSiblings: true }],
            "prefer-const": ["error", { destructuring: "all" }],
        },
    },
];
