import type { Checked } from './check-receipts.ts';
import { explain } from './explain.ts';

/** A card that says what came of one receipt. Text goes in as text: a receipt's words are never markup. */
export function resultCard(result: Checked): HTMLLIElement {
  const card = document.createElement('li');
  card.classList.add('card');
  if ('refused' in result) {
    const { code, message } = result.refused;
    card.classList.add('refused');
    card.append(...headOf('Refused', result.name, message.slice(code.length + 2)), text('p', code, 'mono quiet'));
    return card;
  }
  const { verdict, content, name } = result;
  const { headline, context, facts, standing, warnings } = explain(verdict);
  if (content === 'differs') card.classList.add('differs');
  card.append(...headOf(content === 'differs' ? 'Proved, but of other content' : 'Proved', name, headline));
  card.append(text('p', context, 'context'));
  if (content === 'matches') card.append(text('p', 'The given content is, byte for byte, what was written.'));
  if (content === 'differs') card.append(text('p', 'The given content is not what this receipt is about.'));
  const list = document.createElement('ul');
  list.classList.add('standing');
  list.append(...standing.map((line) => text('li', line)));
  card.append(
    list,
    factsOf([...facts, ['Ledger height', `${verdict.head.height}, log of ${verdict.head.logSize} entries`]]),
  );
  card.append(...warnings.map((line) => text('p', line, 'warning')));
  return card;
}

function headOf(verdict: string, name: string, headline: string): HTMLElement[] {
  return [text('span', verdict, 'verdict'), text('span', name, 'file'), text('h3', headline)];
}

function factsOf(facts: readonly (readonly [string, string])[]): HTMLDetailsElement {
  const list = document.createElement('dl');
  for (const [label, value] of facts) list.append(text('dt', label), text('dd', value, 'mono'));
  const details = document.createElement('details');
  details.append(text('summary', 'Details'), list);
  return details;
}

function text(tag: string, content: string, classes = ''): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = content;
  element.className = classes;
  return element;
}
