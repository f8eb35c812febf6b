#!/usr/bin/env node
// Starts the program on a Node that runs TypeScript as it stands and has node:sqlite: this one if it is new enough,
// else the runtime that npm installed beside the package. Plain JavaScript, so that any Node can read it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const main = new URL('./gridwarden.ts', import.meta.url);

// Types are stripped once and kept: the stripper alone costs 30 MB and half of the start. In the user's own directory,
// because what lies there is run; a directory that cannot be written is done without.
process.env.NODE_COMPILE_CACHE ??= join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'gridwarden');

if (major > 22 || (major === 22 && minor >= 18)) {
  (await import('node:module')).enableCompileCache(process.env.NODE_COMPILE_CACHE);
  await import(main.href);
} else {
  const pinned = fileURLToPath(
    new URL(`../../node_modules/node-${process.platform}-${process.arch}/bin/node`, import.meta.url),
  );
  if (!existsSync(pinned)) {
    console.error(
      `gridwarden: Node ${process.versions.node} is too old and no runtime is installed beside the package: expected Node 22.18 or newer, or run "npm ci" on linux x64 or arm64`,
    );
    process.exit(1);
  }
  const child = spawn(pinned, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal's Ctrl-C reaches the child by itself; what is sent to this process alone is passed on.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {});
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
