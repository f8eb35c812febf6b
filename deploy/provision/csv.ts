/** A table as spreadsheets write it (RFC 4180): first row the names of columns; quotes around what holds a comma. */

/** @throws RangeError with the line, for a quote that is not closed or a row of another width */
export function parseCsv(text: string): Record<string, string>[] {
  const [names = [], ...rows] = cells(text.replace(/^\uFEFF/, ''));
  return rows.map((row, index) => {
    if (row.length !== names.length)
      throw new RangeError(`line ${index + 2}: ${row.length} columns: expected ${names.length}`);
    return Object.fromEntries(names.map((name, column) => [name.trim(), (row[column] ?? '').trim()]));
  });
}

function cells(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') cell += text[++at];
      else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === ',') {
      row.push(cell);
      cell = '';
    } else if (char === '\n') {
      rows.push([...row, cell]);
      row = [];
      cell = '';
    } else if (char !== '\r') cell += char;
  }
  if (quoted) throw new RangeError(`line ${rows.length + 1}: a quote is not closed`);
  if (cell !== '' || row.length > 0) rows.push([...row, cell]);
  return rows.filter((cellsOfRow) => cellsOfRow.some((text) => text.trim() !== ''));
}
