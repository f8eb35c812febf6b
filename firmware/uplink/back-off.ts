/** When to try a broker again: full jitter, so that a thousand gateways do not come back in the same second. */

export interface BackOff {
  firstMs: number;
  maxMs: number;
  /** What is wrong does not heal by itself (a certificate, a password, a second client of the same name). */
  slowMs: number;
}

export const BACK_OFF: BackOff = { firstMs: 1_000, maxMs: 300_000, slowMs: 900_000 };

/**
 * Milliseconds to wait after the nth failure in a row (0 is the first). Ordinary causes: uniform below a bound that
 * doubles. Permanent ones: the slow lane at once, spread over its upper half.
 */
export function retryDelayMs(failures: number, permanent: boolean, random: () => number, backOff: BackOff): number {
  if (permanent) return backOff.slowMs * (0.5 + 0.5 * random());
  return random() * Math.min(backOff.maxMs, backOff.firstMs * 2 ** Math.min(failures, 30));
}

/** CONNACK and DISCONNECT reason codes that trying again does not change; 4 and 5 are MQTT 3.1.1's. */
const PERMANENT_CODES = new Set([2, 4, 5, 133, 134, 135, 138, 140, 142, 157]);

/** Node's error codes for a certificate that is not to be believed, on either side. */
const CERTIFICATE_CODES =
  /^(CERT_|ERR_TLS_CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_SSL_TLSV1_ALERT|ERR_SSL_SSLV3_ALERT|ERR_OSSL)/;

/** What a failed connection says about the next one. */
export interface Cause {
  reason: string;
  permanent: boolean;
  /** The broker may speak only MQTT 3.1.1: it refused version 5 or hung up on it. */
  tryOlder: boolean;
  noSuchHost: boolean;
}

export function causeOf(error: unknown): Cause {
  const code = (error as { code?: unknown } | null)?.code;
  const reason = error instanceof Error ? error.message : String(error);
  const numeric = typeof code === 'number' ? code : undefined;
  const name = typeof code === 'string' ? code : '';
  return {
    reason: name === '' || reason.includes(name) ? reason : `${name}: ${reason}`,
    permanent: (numeric !== undefined && PERMANENT_CODES.has(numeric)) || CERTIFICATE_CODES.test(name),
    tryOlder: numeric === 1 || numeric === 132 || reason === HUNG_UP,
    noSuchHost: name === 'ENOTFOUND' || name === 'EAI_AGAIN',
  };
}

export const HUNG_UP = 'the broker closed the connection before answering';
