/** The broker of the benchmarks, in a process of its own: Mosquitto where it is installed, else aedes. */
import { fork } from 'node:child_process';
import { freePort, MOSQUITTO, startMosquitto } from '../system/mosquitto.ts';

export async function benchBroker(): Promise<{ name: string; url: string; close(): Promise<void> }> {
  if (MOSQUITTO !== undefined) {
    const config = (port: number) =>
      `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\nset_tcp_nodelay true\n`;
    const broker = await startMosquitto(config);
    return { name: 'mosquitto', url: broker.url, close: broker.close };
  }
  const port = await freePort();
  const child = fork(new URL('./aedes-process.ts', import.meta.url), [String(port)]);
  await new Promise((resolve) => child.once('message', resolve));
  return { name: 'aedes', url: `mqtt://127.0.0.1:${port}`, close: async () => void child.kill() };
}
