import { constants, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { openPty } from '../../sim/pty.ts';
import { gridwarden } from './run-cli.ts';

/** termios: suspend output. */
const TCOOFF = 0;

describe.skipIf(process.platform !== 'linux')('run', () => {
  it('ends with status 70 when a port takes no bytes any more, for a supervisor to start it again', async () => {
    const pty = await openPty(() => {});
    // What a driver with a dead adapter does: it takes the bytes and never says that they left.
    const tcflow = koffi.load('libc.so.6').func('int tcflow(int fd, int action)');
    expect(tcflow(openSync(pty.url, constants.O_RDWR | constants.O_NOCTTY), TCOOFF)).toBe(0);
    const directory = mkdtempSync(join(tmpdir(), 'stuck-'));
    const config = join(directory, 'site.yaml');
    writeFileSync(
      config,
      `gateway: { id: gw-1 }
buses:
  - port: ${pty.url}?baud=9600&parity=none
    periodS: 0.5
    meters:
      - { protocol: dlt645, address: "000000000161" }
uplink: { brokers: ["mqtt://127.0.0.1:1"] }
store: { directory: ${JSON.stringify(join(directory, 'state'))} }
`,
    );
    const ran = await gridwarden(['run', '--config', config, '--for', '40']);
    await pty.close();
    expect(ran.status, ran.stderr).toBe(70);
  }, 60_000);
});
