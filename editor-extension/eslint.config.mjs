// Strictest set of rules, and the laws of this package: no proposed API, one place that talks to the daemon, one that shows what others wrote.
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist", "node_modules"] },
  {
    files: ["src/**/*.ts", "test/**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: dirname(fileURLToPath(import.meta.url)) } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "no-console": "error",
      eqeqeq: "error",
      "max-lines": ["error", 600],
    },
  },
  {
    // node's test functions return promises that the runner itself awaits
    files: ["test/**/*.ts"],
    rules: { "@typescript-eslint/no-floating-promises": "off" },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/client.ts", "src/connection.ts", "src/tell.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        { selector: "CallExpression[callee.property.name=/^(show(Error|Warning|Information)Message|withProgress)$/]", message: "The editor makes links of what it shows; messages go through tell.ts." },
        { selector: "CallExpression[callee.property.name='request']", message: "Methods are called through Client.call, whose names and types are generated." },
      ],
    },
  },
);
