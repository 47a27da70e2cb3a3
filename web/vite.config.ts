import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vite";

const pages = ["index", "console", "editor", "review", "healing"];
const here = import.meta.dirname;

/** The pages: the landing page and what the staff use. The widget is built by vite.widget.config.ts. */
export default defineConfig({
  root: here,
  base: "/",
  server: { proxy: { "/api": { target: process.env.FIRSTLINE_URL ?? "http://127.0.0.1:8080", ws: true } } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    // Inlined files would be data: addresses, which the content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: Object.fromEntries(
        pages
          .map((name) => [name, resolve(here, `${name}.html`)] as const)
          .filter(([, path]) => existsSync(path)),
      ),
    },
  },
});
