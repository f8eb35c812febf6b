/** The thread in which a running gateway has its site file checked; see `load-apart.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadSite } from './load.ts';

/** What is checked. */
export interface LoadTask {
  text: string;
  file: string;
}

const { text, file } = workerData as LoadTask;
parentPort?.postMessage(loadSite(text, file));
