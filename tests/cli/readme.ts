/** The READMEs as tests read them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The commands of the chapter that begins with `heading`, one a line, without their comments. */
export function commandsOf(readme: string, heading: string): string[] {
  const text = readFileSync(fileURLToPath(new URL(`../../${readme}`, import.meta.url)), 'utf8');
  const chapter = text.slice(text.indexOf(heading)).split('\n## ')[0] ?? '';
  return [...chapter.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block]) => (block ?? '').replaceAll(/\\\n\s*/g, '').split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
}
