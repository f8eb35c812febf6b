/** Keys and commands for the tests, made anew for each run. */
import { generateKeyPairSync } from 'node:crypto';
import type { CommandBody, Role } from '../../../firmware/commands/operations.ts';
import { type CommandKey, signCommand } from '../../../firmware/commands/verify.ts';

export interface Issuer {
  key: CommandKey;
  /** Signed bytes; what is not given is valid. */
  command(body: Partial<CommandBody>): Uint8Array;
}

let made = 0;

export function issuerOf(id: string, roles: readonly Role[], nowMs: () => number = Date.now): Issuer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  let counter = 0;
  return {
    key: { id, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(), roles },
    command(body) {
      const notBefore = Math.floor(nowMs());
      const whole: CommandBody = {
        v: 1,
        id: `c${++made}`,
        gateway: 'gw-1',
        op: 'timeline',
        args: { alert: 'none' },
        counter: ++counter,
        notBefore,
        notAfter: notBefore + 60_000,
        ...body,
      };
      return signCommand(whole, id, pem);
    },
  };
}
