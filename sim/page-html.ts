/** The page of a simulated street, in English and Chinese; text from the street only ever enters as text. */
export const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Street · 模拟街区</title>
<style>
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:76rem;padding:1rem;color:#1b1f24;background:#fff}
h1{font-size:1.3rem}h2{font-size:1rem;margin:1.2rem 0 .3rem}small{color:#4a5361}
table{border-collapse:collapse;width:100%}td,th{padding:.2rem .5rem;border-bottom:1px solid #d5d9de;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}
button{font:inherit;font-size:.85rem;margin:.1rem;padding:.15rem .5rem;border:1px solid #6b7684;border-radius:.3rem;background:#fff;cursor:pointer}
button[aria-pressed=true]{background:#b3261e;border-color:#b3261e;color:#fff}
#problem{color:#b3261e;min-height:1.4em}
</style>
<h1><span id="name"></span> <small id="at"></small> <button id="language">中文</button></h1>
<p id="problem" role="status"></p><main id="lines"></main>
<script>
let zh = navigator.language.startsWith('zh'), street;
const words = {meter:['meter','表计'],power:['power','功率'],voltage:['voltage','电压'],switches:['switches','操作'],
  asked:['bytes asked','请求字节'],answered:['answered','应答字节'],silence:['silence violations','静默违规'],collisions:['collisions','冲突']};
const say = (w) => words[w][zh ? 1 : 0];
const el = (tag, text, cls) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };
async function turn(name, target, on) {
  const answer = await fetch('/api/switch', {method:'POST', headers:{'content-type':'application/json'}, body:JSON.stringify({switch:name, target, on})});
  document.getElementById('problem').textContent = answer.ok ? '' : (await answer.json()).problem;
  show(await (await fetch('/api/street')).json());
}
function buttons(kind, target, on) {
  const all = el('span');
  for (const [name, it] of Object.entries(street.switches)) {
    if (it.on !== kind) continue;
    const b = el('button', zh ? it.zh : it.en), pressed = on.includes(name);
    b.setAttribute('aria-pressed', pressed);
    b.dataset.key = name + '|' + target;
    b.onclick = () => turn(name, target, !pressed);
    all.append(b);
  }
  return all;
}
function show(next) {
  street = next;
  document.documentElement.lang = zh ? 'zh' : 'en';
  document.getElementById('name').textContent = street.name;
  document.getElementById('at').textContent = street.at.replace('T', ' ');
  document.getElementById('language').textContent = zh ? 'English' : '中文';
  const focused = document.activeElement && document.activeElement.dataset.key;
  const lines = street.lines.map((line) => {
    const part = el('section'), head = el('h2', line.name + ' '), c = line.counts;
    head.append(el('small', line.port + ' · ' + say('asked') + ' ' + c.requestBytes + ' · ' + say('answered') + ' ' + c.answerBytes +
      ' · ' + say('silence') + ' ' + c.silenceViolations + ' · ' + say('collisions') + ' ' + c.collisions + ' '), buttons('line', line.name, line.on));
    const table = el('table'), top = el('tr');
    top.append(el('th', say('meter')), el('th', say('power')), el('th', say('voltage')), el('th', say('switches')));
    table.append(top);
    for (const m of line.meters) {
      const row = el('tr'), cell = el('td');
      cell.append(buttons('meter', m.id, m.on));
      row.append(el('td', m.room + ' ' + (m.premises || '')), el('td', m.powerW === undefined ? '–' : Math.round(m.powerW) + ' W', 'n'),
        el('td', m.voltageV ? m.voltageV.map((v) => v.toFixed(1)).join(' / ') + ' V' : '–', 'n'), cell);
      table.append(row);
    }
    part.append(head, table);
    return part;
  });
  document.getElementById('lines').replaceChildren(...lines);
  if (focused) document.querySelector('[data-key="' + CSS.escape(focused) + '"]')?.focus();
}
document.getElementById('language').onclick = () => { zh = !zh; show(street); };
new EventSource('/api/events').onmessage = (event) => show(JSON.parse(event.data));
fetch('/api/street').then((r) => r.json()).then(show);
</script></html>
`;
