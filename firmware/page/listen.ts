/** Where the local page listens: `host:port`, and whether only this machine can come there. */

export interface ListenAddress {
  host: string;
  port: number;
}

const PORT_MAX = 65_535;

/** `127.0.0.1:8080` or `[::1]:8080`; undefined where it is neither. */
export function parseListen(text: string): ListenAddress | undefined {
  const match = /^(?:\[([^\]\s]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > PORT_MAX) return undefined;
  return { host: match[1] ?? match[2] ?? '', port };
}

/** Whether nobody beyond this machine can come to the host: then a page may do without certificate and password. */
export function isLoopback(host: string): boolean {
  return host === '127.0.0.1' || host === '::1' || host === 'localhost';
}
