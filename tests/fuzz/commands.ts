/** Bytes that are no command of ours: none may be obeyed, and none may throw. */
import { generateKeyPairSync } from 'node:crypto';
import { ROLES } from '../../firmware/commands/operations.ts';
import { checkCommand, signCommand, trustKeys } from '../../firmware/commands/verify.ts';
import { decodeMessage } from '../../firmware/uplink/wire.ts';

/** A fuzz target: throws when the input broke a rule. */
export interface Target {
  name: string;
  run(random: () => number): void;
}

const pair = generateKeyPairSync('ed25519');
const keys = trustKeys([
  { id: 'k', publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(), roles: ROLES },
]);
const NOW_MS = 1_700_000_000_000;
const context = { keys, gateway: 'gw-1', nowMs: NOW_MS, clockOk: true };
const body = { v: 1, id: 'c1', gateway: 'gw-1', op: 'reload', args: {}, counter: 1 } as const;
const valid = signCommand(
  { ...body, notBefore: NOW_MS, notAfter: NOW_MS + 60_000 },
  'k',
  pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
);
const PIECES = [
  '.',
  '{"alg":"EdDSA","kid":"k"}',
  '{"alg":"none"}',
  '[[[[',
  '__proto__',
  'NaN',
  'eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ',
];

export const targets: readonly Target[] = [
  {
    name: 'commands',
    run(random) {
      const bytes = random() < 0.7 ? mutated(valid, random) : garbage(random);
      if (checkCommand(bytes, context).ok) throw new Error(`accepted ${Buffer.from(bytes).toString('hex')}`);
    },
  },
  {
    name: 'messages',
    run(random) {
      const kind = ['alert/cell', 'step', 'result', 'summary', 'status'][Math.floor(random() * 5)];
      decodeMessage(`gw/1/gw-1/up/${kind}`, garbage(random));
      decodeMessage('gw/1/gw-1/down/receipt', garbage(random));
    },
  },
];

/** The valid command with up to four bytes changed, dropped or doubled: never as it was. */
function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  const out = [...bytes];
  const times = 1 + Math.floor(random() * 4);
  for (let n = 0; n < times; n++) {
    const at = Math.floor(random() * out.length);
    const way = random();
    if (way < 0.6) out[at] = ((out[at] ?? 0) + 1 + Math.floor(random() * 255)) & 0xff;
    else if (way < 0.8) out.splice(at, 1);
    else out.splice(at, 0, Math.floor(random() * 256));
  }
  const changed = Uint8Array.from(out);
  return sameMeaning(changed, bytes) ? changed.subarray(1) : changed;
}

/** Base64url of 64 bytes ends in four unused bits, so some changes of the last character change nothing. */
function sameMeaning(a: Uint8Array, b: Uint8Array): boolean {
  const [left, right] = [a, b].map((bytes) => Buffer.from(bytes).toString('latin1').split('.'));
  if (left?.length !== 3 || left[0] !== right?.[0] || left[1] !== right?.[1]) return false;
  return Buffer.from(left[2] ?? '', 'base64url').equals(Buffer.from(right?.[2] ?? '', 'base64url'));
}

function garbage(random: () => number): Uint8Array {
  const way = random();
  if (way < 0.5) return Uint8Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256));
  const pieces = Array.from(
    { length: 1 + Math.floor(random() * 6) },
    () => PIECES[Math.floor(random() * PIECES.length)],
  );
  return Buffer.from(pieces.join(way < 0.8 ? '.' : ''));
}
