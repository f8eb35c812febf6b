/** An update that the platform orders: over https that breaks, into an installer that may refuse, over power cuts. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fetchBundle } from '../../deploy/update/fetch.ts';
import { obeyOrder } from '../../deploy/update/obey.ts';
import type { UpdateOrder } from '../../firmware/update-order.ts';
import { type Authority, makeAuthority } from '../system/certificates.ts';

const BUNDLE = randomBytes(300_000);
const sha256 = createHash('sha256').update(BUNDLE).digest('hex');

let folder: string;
let authority: Authority;
let server: Server;
let base: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let ranges: (string | undefined)[];
let run = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'update-order-'));
  authority = makeAuthority(folder);
  const { certFile, keyFile } = authority.issue('updates');
  server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
    ranges.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  ranges = [];
  answer = serve();
});

/** A server that knows ranges; `breaks` cuts the line after so many bytes of each answer. */
function serve({ breaks = Number.POSITIVE_INFINITY, body = BUNDLE } = {}): typeof answer {
  return (request, response) => {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from >= body.length) {
      response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
      return;
    }
    const rest = body.subarray(from);
    const range = { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` };
    response.writeHead(from > 0 ? 206 : 200, { 'content-length': rest.length, ...(from > 0 && range) });
    if (rest.length <= breaks) response.end(rest);
    else response.write(rest.subarray(0, breaks), () => response.socket?.destroy());
  };
}

const fetching = (more: object = {}) => {
  const file = join(folder, `bundle-${run++}`);
  const done = fetchBundle({ url: `${base}/b`, sha256, file, caFile: authority.caFile, tries: 30, waitMs: 1, ...more });
  return { file, done };
};

describe('fetching a bundle', () => {
  it('goes on where a broken line ended', async () => {
    answer = serve({ breaks: 70_000 });
    const { file, done } = fetching();
    await done;
    expect(readFileSync(file).equals(BUNDLE)).toBe(true);
    const from = ranges.map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0));
    expect(from).toEqual(from.toSorted((a, b) => a - b));
    expect(from[0]).toBe(0);
    expect(from.at(-1)).toBeGreaterThan(200_000);
  });

  it('begins again where the server knows no ranges', async () => {
    const broken = serve({ breaks: 70_000 });
    answer = (request, response) => {
      delete request.headers.range;
      (ranges.length < 3 ? broken : serve())(request, response);
    };
    const { file, done } = fetching();
    await done;
    expect(readFileSync(file).equals(BUNDLE)).toBe(true);
  });

  it('takes what has come already, and throws away what is not what was ordered', async () => {
    const whole = fetching();
    await whole.done;
    await fetching({ file: whole.file }).done;
    const other = fetching({ sha256: '0'.repeat(64) });
    await expect(other.done).rejects.toThrow(/has sha256 [0-9a-f]{64}, ordered was 0000/);
    expect(existsSync(other.file)).toBe(false);
  });

  it.each([
    ['a redirect', 302, /answered 302, redirects are not followed/],
    ['nothing there', 404, /answered 404/],
  ])('refuses %s at once', async (_, status, message) => {
    answer = (__, response) => void response.writeHead(status, { location: 'http://127.0.0.1/' }).end();
    if (status === 404) answer = (__, response) => void response.writeHead(404).end();
    await expect(fetching().done).rejects.toThrow(message);
    expect(ranges).toHaveLength(1);
  });

  it('refuses a bundle that is too large, whether the server says so or not', async () => {
    await expect(fetching({ bytesMax: 100_000 }).done).rejects.toThrow('300000 bytes, at most 100000');
    answer = (_, response) => {
      response.writeHead(200);
      response.end(BUNDLE);
    };
    await expect(fetching({ bytesMax: 100_000 }).done).rejects.toThrow('over 100000 bytes');
  });

  it('ends with the last reason: nobody trusted, nothing heard, a server in trouble', async () => {
    await expect(fetching({ caFile: undefined, tries: 2 }).done).rejects.toThrow(/certificate/);
    answer = () => {};
    await expect(fetching({ tries: 2, idleMs: 50 }).done).rejects.toThrow('nothing heard for 0.05 s');
    answer = (_, response) => void response.writeHead(503).end();
    await expect(fetching({ tries: 2 }).done).rejects.toThrow('answered 503');
  });

  it('ends when it is told to', async () => {
    answer = () => {};
    await expect(fetching({ signal: AbortSignal.timeout(50), tries: 99 }).done).rejects.toThrow(/abort|timeout/i);
  });
});

describe('an order', () => {
  const orderOf = (more: Partial<UpdateOrder> = {}): UpdateOrder => ({
    id: 'u1',
    url: `${base}/b`,
    version: '2.0.0',
    sha256,
    ...more,
  });

  function places() {
    const home = join(folder, `home-${run++}`);
    mkdirSync(home);
    const at = (name: string) => join(home, name);
    return { inbox: at('inbox.json'), order: at('order.json'), bundle: at('bundle'), outcome: at('outcome.json') };
  }

  function obey(at: ReturnType<typeof places>, install: (bundle: string) => Promise<void> = async () => {}) {
    return obeyOrder({ places: at, caFile: authority.caFile, tries: 3, waitMs: 1, install });
  }

  it('is fetched, installed and said, and leaves nothing behind', async () => {
    const at = places();
    writeFileSync(at.inbox, JSON.stringify(orderOf()));
    let installed: Buffer | undefined;
    const outcome = await obey(at, async (bundle) => {
      installed = readFileSync(bundle);
      expect(JSON.parse(readFileSync(at.outcome, 'utf8'))).toMatchObject({ id: 'u1', state: 'installing' });
    });
    expect(outcome).toEqual({ id: 'u1', version: '2.0.0', state: 'installed' });
    expect(installed?.equals(BUNDLE)).toBe(true);
    expect([at.inbox, at.order, at.bundle].filter(existsSync)).toEqual([]);
    expect(await obey(at)).toBeUndefined();
  });

  it('says why it came to nothing', async () => {
    const at = places();
    writeFileSync(at.inbox, JSON.stringify(orderOf()));
    const refused = () => Promise.reject(new Error('it is for another kind of board'));
    expect(await obey(at, refused)).toMatchObject({ state: 'failed', reason: 'it is for another kind of board' });
    expect(JSON.parse(readFileSync(at.outcome, 'utf8'))).toMatchObject({ state: 'failed' });
    expect([at.inbox, at.order, at.bundle].filter(existsSync)).toEqual([]);
  });

  it('goes on after a power cut, and gives up after ten', async () => {
    const at = places();
    writeFileSync(at.order, JSON.stringify({ ...orderOf(), tries: 1 }));
    writeFileSync(at.bundle, BUNDLE.subarray(0, 200_000));
    expect(await obey(at)).toMatchObject({ state: 'installed' });
    expect(ranges).toEqual(['bytes=200000-']);
    writeFileSync(at.order, JSON.stringify({ ...orderOf(), tries: 10 }));
    expect(await obey(at)).toMatchObject({ state: 'failed', reason: expect.stringContaining('interrupted 10 times') });
  });

  it('gives way to a newer one, whose bundle is another', async () => {
    const at = places();
    writeFileSync(at.order, JSON.stringify({ ...orderOf(), tries: 3 }));
    writeFileSync(at.bundle, randomBytes(1_000));
    writeFileSync(at.inbox, JSON.stringify(orderOf({ id: 'u2' })));
    expect(await obey(at)).toMatchObject({ id: 'u2', state: 'installed' });
    expect(ranges).toEqual([undefined]);
  });

  it.each([
    ['no JSON', 'reboot now'],
    ['plain http', JSON.stringify({ id: 'u', url: 'http://x/b', version: '2', sha256 })],
    ['too long', JSON.stringify({ id: 'u', url: 'https://x/b', version: '2', sha256, note: 'x'.repeat(5_000) })],
  ])('is nothing where the inbox holds %s', async (_, text) => {
    const at = places();
    writeFileSync(at.inbox, text);
    expect(await obey(at)).toBeUndefined();
    expect(existsSync(at.inbox)).toBe(false);
  });

  it('does not follow a link out of the inbox', async () => {
    const at = places();
    writeFileSync(at.outcome, JSON.stringify(orderOf()));
    symlinkSync(at.outcome, at.inbox);
    expect(await obey(at)).toBeUndefined();
    expect(existsSync(at.inbox)).toBe(false);
  });
});
