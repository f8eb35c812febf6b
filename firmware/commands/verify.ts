/**
 * From bytes to a command that may be obeyed. A command is a JWS in compact form (RFC 7515) signed with Ed25519
 * (RFC 8037): `header.body.signature`, so that any platform can make one with a library it has. Size and signature are
 * checked before the body is parsed; nothing here throws.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import type { CommandBody, Role } from './operations.ts';

export interface CommandKey {
  id: string;
  /** PEM or JWK JSON of an Ed25519 public key. */
  publicKey: string;
  roles: readonly Role[];
}

export interface TrustedKey {
  id: string;
  key: KeyObject;
  roles: readonly Role[];
}

export type Refusal =
  | 'oversized'
  | 'malformed'
  | 'unsigned'
  | 'unknown-key'
  | 'forged'
  | 'wrong-gateway'
  | 'stale'
  | 'replayed'
  | 'no-right'
  | 'bad-arguments'
  | 'clock-not-set'
  | 'busy'
  | 'no-audit';

export type Checked =
  | { ok: true; key: TrustedKey; body: CommandBody }
  /** `body` is there where the signature held, so that an answer can carry its id. */
  | { ok: false; refusal: Refusal; detail: string; key?: TrustedKey; body?: CommandBody };

export interface CheckContext {
  keys: ReadonlyMap<string, TrustedKey>;
  gateway: string;
  nowMs: number;
  clockOk: boolean;
}

export const COMMAND_MAX_BYTES = 16_384;
/** A command lives five minutes at most; clocks may differ by half of one. */
export const LIFE_MAX_MS = 300_000;
const SKEW_MS = 30_000;

/** @throws when a key is no Ed25519 public key; names it */
export function trustKeys(keys: readonly CommandKey[]): Map<string, TrustedKey> {
  return new Map(
    keys.map(({ id, publicKey, roles }) => {
      const key = readKey(id, publicKey);
      if (key.asymmetricKeyType !== 'ed25519')
        throw new Error(`command key ${id}: expected Ed25519, got ${key.asymmetricKeyType}`);
      return [id, { id, key, roles }];
    }),
  );
}

function readKey(id: string, text: string): KeyObject {
  try {
    return text.trimStart().startsWith('{')
      ? createPublicKey({ key: JSON.parse(text) as JsonWebKeyInput, format: 'jwk' })
      : createPublicKey(text);
  } catch {
    // The library's own words are of its decoders.
    throw new Error(`command key ${id}: expected a public key as PEM or JWK`);
  }
}

type JsonWebKeyInput = import('node:crypto').JsonWebKey;

export function checkCommand(payload: Uint8Array, context: CheckContext): Checked {
  if (payload.length > COMMAND_MAX_BYTES) return refuse('oversized', `${payload.length} bytes`);
  const text = Buffer.from(payload).toString('latin1');
  const [header, body, signature, more] = text.split('.');
  if (header === undefined || body === undefined || signature === undefined || more !== undefined) {
    return refuse('malformed', 'expected header.body.signature');
  }
  const head = parse(header, 256) as { alg?: unknown; kid?: unknown } | null | undefined;
  if (typeof head !== 'object' || head === null) return refuse('malformed', 'the header is no JSON object');
  if (head.alg !== 'EdDSA' || signature === '') return refuse('unsigned', 'expected alg EdDSA and a signature');
  const key = typeof head.kid === 'string' ? context.keys.get(head.kid) : undefined;
  if (key === undefined) return refuse('unknown-key', String(head.kid).slice(0, 64));
  const bytes = Buffer.from(signature, 'base64url');
  const signed = Buffer.from(`${header}.${body}`, 'latin1');
  if (bytes.length !== 64 || !verify(null, signed, key.key, bytes)) return refuse('forged', `as ${key.id}`, key);
  const parsed = operations().bodySchema.safeParse(parse(body, COMMAND_MAX_BYTES));
  if (!parsed.success) return refuse('malformed', parsed.error.issues[0]?.message ?? 'the body', key);
  return checkBody(key, parsed.data, context);
}

type Operations = typeof import('./operations.ts');
let loaded: Operations | undefined;
/** With the first command that a known key signed: the schema library is a tenth of the memory, and most days bring none. */
function operations(): Operations {
  loaded ??= createRequire(import.meta.url)('./operations.ts') as Operations;
  return loaded;
}

function checkBody(key: TrustedKey, body: CommandBody, { gateway, nowMs, clockOk }: CheckContext): Checked {
  const no = (refusal: Refusal, detail: string): Checked => ({ ok: false, refusal, detail, key, body });
  if (body.gateway !== gateway) return no('wrong-gateway', body.gateway);
  const life = body.notAfter - body.notBefore;
  if (life <= 0 || life > LIFE_MAX_MS) return no('stale', `a life of ${life} ms, at most ${LIFE_MAX_MS}`);
  if (clockOk && (nowMs < body.notBefore - SKEW_MS || nowMs > body.notAfter + SKEW_MS)) {
    return no('stale', `now is ${nowMs}`);
  }
  const operation = operations().OPERATIONS[body.op];
  const { roles }: { roles: readonly Role[] } = operation;
  if (!clockOk && 'needsClock' in operation) return no('clock-not-set', body.op);
  if (!roles.some((role) => key.roles.includes(role))) return no('no-right', `${body.op} needs ${roles.join(' or ')}`);
  const args = operation.args.safeParse(body.args);
  if (!args.success) {
    const [issue] = args.error.issues;
    return no('bad-arguments', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`.slice(0, 200));
  }
  return { ok: true, key, body: { ...body, args: args.data } };
}

/** JSON in base64url, or undefined. Only the signed part is ever longer than a line. */
function parse(part: string, maxBytes: number): unknown {
  if (part.length > maxBytes * 2 || !/^[A-Za-z0-9_-]*$/.test(part)) return undefined;
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function refuse(refusal: Refusal, detail: string, key?: TrustedKey): Checked {
  return { ok: false, refusal, detail, ...(key && { key }) };
}

/** Signs a command as a platform does. `privateKey` is PEM. */
export function signCommand(body: CommandBody, keyId: string, privateKey: string): Uint8Array {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'EdDSA', kid: keyId })}.${part(body)}`;
  const signature = sign(null, Buffer.from(signed), createPrivateKey(privateKey)).toString('base64url');
  return Buffer.from(`${signed}.${signature}`);
}
