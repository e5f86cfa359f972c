import { defineConfig, type Plugin } from 'vite';

/** Every browser that runs the console reads woff2: the older copies of KaTeX's fonts stay out of the package. */
function onlyWoff2(): Plugin {
  return {
    name: 'only-woff2',
    enforce: 'pre',
    transform(code, id) {
      if (!/katex[^/]*\.css$/.test(id)) return undefined;
      return code.replace(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\(["'](?:woff|truetype)["']\)/g, '');
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [onlyWoff2()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // the content security policy allows no data: but for images
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    reportCompressedSize: false,
  },
  server: { proxy: { '/ossia': 'http://127.0.0.1:6774', '/v1': 'http://127.0.0.1:6774' } },
});
