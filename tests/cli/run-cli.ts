/** Runs the program as a person would: another process, real stdin, stdout, stderr and exit status. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../firmware/cli/bin.js', import.meta.url));

export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
  /** stdout as NDJSON. */
  lines: Record<string, unknown>[];
}

/** @param onSpawn gets the process, to send it a signal */
export function gridwarden(
  args: string[],
  stdin = '',
  env: Record<string, string> = {},
  onSpawn: (child: ChildProcess) => void = () => {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...args], { env: { ...process.env, NO_COLOR: '1', ...env } });
    onSpawn(child);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (status) => {
      const lines = stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      resolve({ status: status ?? -1, stdout, stderr, lines });
    });
    child.stdin.end(stdin);
  });
}
