/** The page's own files: read once, the browser's TypeScript stripped of its types, everything gzipped and held. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { gzipSync } from 'node:zlib';

export interface Asset {
  type: string;
  gzip: Uint8Array;
  etag: string;
}

const TEXT = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
} as const;
const SCRIPTS = ['app', 'charts', 'dom', 'words'] as const;

/** Everything the browser may fetch, by path. No file of the disk is reached through a name that the browser chose. */
export async function loadAssets(): Promise<Map<string, Asset>> {
  const here = new URL('./browser/', import.meta.url);
  const require = createRequire(import.meta.url);
  const text = (name: string) => readFile(new URL(name, here), 'utf8');
  const assets = new Map<string, Asset>([
    ['/', asset(TEXT.html, await text('page.html'))],
    ['/style.css', asset(TEXT.css, await text('style.css'))],
    ['/uPlot.css', asset(TEXT.css, await readFile(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'))],
    ['/uPlot.js', asset(TEXT.js, await readFile(require.resolve('uplot/dist/uPlot.esm.js'), 'utf8'))],
  ]);
  for (const name of SCRIPTS) {
    const source = withoutTypes(await text(`${name}.ts`)).replaceAll(/(from\s+'\.\/\w+)\.ts'/g, "$1.js'");
    assets.set(`/${name}.js`, asset(TEXT.js, source));
  }
  return assets;
}

/** Node says once per process that this call is experimental; on a gateway's console that reads like a fault. */
function withoutTypes(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}

function asset(type: string, content: string): Asset {
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 16)}"`;
  return { type, gzip: gzipSync(content, { level: 9 }), etag };
}
