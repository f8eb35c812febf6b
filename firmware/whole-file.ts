/** Files that are there whole or not at all, whenever the power goes. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Written beside it, synced, renamed, directory synced: a power cut leaves the old file or the new one. */
export async function writeWhole(file: string, text: string, mode = 0o600): Promise<void> {
  const fresh = `${file}.new`;
  await rm(fresh, { force: true });
  const handle = await open(fresh, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(fresh, file);
  const folder = await open(dirname(file));
  await folder.sync().finally(() => folder.close());
}
