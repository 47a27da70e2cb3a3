import { resolve } from "node:path";
import { defineConfig } from "vite";

/** The widget: one ES module without further files, which host applications load from another origin. */
export default defineConfig({
  root: import.meta.dirname,
  publicDir: false,
  build: {
    outDir: "dist",
    emptyOutDir: false,
    target: "es2022",
    lib: {
      entry: resolve(import.meta.dirname, "src/widget/main.ts"),
      formats: ["es"],
      fileName: () => "widget.js",
    },
    rollupOptions: { output: { inlineDynamicImports: true } },
  },
});
