/** The files that a site file names: they stand beside it, and whether they are there is no question of its text. */
import type { Site } from './site.ts';

export interface NamedFile {
  /** Where it is named. */
  path: readonly (string | number)[];
  /** As it is written there; beside the current directory where it is not absolute. */
  file: string;
}

/** Every file that this site names, in the order of the schema. */
export function namedFiles({ buses, uplink, commands, page }: Site): NamedFile[] {
  const found: NamedFile[] = [];
  const add = (path: NamedFile['path'], file: string | undefined) => {
    if (file !== undefined) found.push({ path, file });
  };
  const addAll = (path: NamedFile['path'], files: Record<string, string | undefined> = {}) => {
    for (const [key, file] of Object.entries(files)) add([...path, key], file);
  };
  buses.forEach(({ meters }, b) => {
    meters.forEach((meter, m) => {
      if (meter.protocol !== 'dlt645') return;
      const { passwordFile, nextPasswordFile } = meter.authority ?? {};
      addAll(['buses', b, 'meters', m, 'authority'], { passwordFile, nextPasswordFile });
    });
  });
  add(['uplink', 'passwordFile'], uplink.passwordFile);
  addAll(['uplink', 'tls'], uplink.tls);
  add(['uplink', 'dialect', 'file'], uplink.dialect?.file);
  commands.keys.forEach(({ publicKeyFile }, k) => {
    add(['commands', 'keys', k, 'publicKeyFile'], publicKeyFile);
  });
  add(['page', 'passwordFile'], page?.passwordFile);
  addAll(['page', 'tls'], page?.tls);
  return found;
}
