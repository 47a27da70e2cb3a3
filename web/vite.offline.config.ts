import { resolve } from "node:path";
import { defineConfig } from "vite";

/** What a host application's service worker loads: one classic script, as importScripts takes it. */
export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  build: {
    outDir: "dist",
    emptyOutDir: false,
    target: "es2022",
    lib: {
      entry: resolve(import.meta.dirname, "src/widget/offline.ts"),
      formats: ["iife"],
      name: "FirstlineOffline",
      fileName: () => "offline.js",
    },
  },
});
