/** What happens when a part of the gateway cannot start: nothing is left half started. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gridwarden } from './run-cli.ts';
import { writeSmallSite } from './small-site.ts';

const directory = mkdtempSync(join(tmpdir(), 'start-'));
const taken = createServer();
let address = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(taken.address() as { port: number }).port}`;
});
afterAll(() => taken.close());

const siteWith = (more: string) => writeSmallSite(directory, `store: { directory: ${join(directory, 'state')} }`, more);

const logged = (stderr: string) =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('start', () => {
  it('refuses a page that everybody could open, in check as in run', async () => {
    const site = siteWith('page: { listen: 192.168.66.1:443 }');
    const words = /site\.yaml:6:17: page\.listen: 192\.168\.66\.1:443 can be reached .*: expected tls and passwordFile/;
    for (const verb of [['check'], ['run', '--for', '3']]) {
      const ran = await gridwarden([...verb, '--config', site]);
      expect(ran.status).toBe(2);
      expect(ran.stderr).toMatch(words);
    }
  });

  it('goes on without its page where the port is taken, says so, and ends when it is told', async () => {
    const ran = await gridwarden(['run', '--config', siteWith(`page: { listen: '${address}' }`), '--for', '2']);
    expect(ran.status).toBe(0);
    const errors = logged(ran.stderr).filter(({ level }) => level === 50);
    expect(errors).toEqual([
      expect.objectContaining({
        reason: `page: ${address}: another program has this port`,
        msg: expect.stringContaining('without its page'),
      }),
    ]);
    expect(ran.stderr).not.toMatch(/DEP0137|garbage collection/);
  });

  it('names the address of its page, and why a port is lost', async () => {
    const ran = await gridwarden(['run', '--config', siteWith("page: { listen: '127.0.0.1:0' }"), '--for', '2']);
    expect(ran.status).toBe(0);
    expect(logged(ran.stderr)).toContainEqual(
      expect.objectContaining({ msg: 'page', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/$/) }),
    );
    expect(logged(ran.stderr)).toContainEqual(
      expect.objectContaining({ msg: 'port', state: 'lost', reason: expect.stringContaining('ECONNREFUSED') }),
    );
  });

  it('stops what was started where a later part cannot start', async () => {
    const key = join(directory, 'key.pem');
    writeFileSync(key, 'no key');
    const site = siteWith(`commands: { keys: [{ id: hq, publicKeyFile: ${key}, roles: [viewer] }] }`);
    const ran = await gridwarden(['run', '--config', site]);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toMatch(/^gridwarden: command key hq: expected a public key/m);
    const gone = siteWith(`commands: { keys: [{ id: hq, publicKeyFile: ${key}.gone, roles: [viewer] }] }`);
    const refused = await gridwarden(['run', '--config', gone]);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/^gridwarden: .*key\.pem\.gone: no such file: expected the public key of hq/m);
  });
});
