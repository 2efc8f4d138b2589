/** The element of the page with that id, which index.html has. */
export function byId<T extends Element = HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element ${id}`);
  return element as unknown as T;
}

/** Sets a text, unless it is there already: what does not change is not announced again, and keeps a selection. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows a text, or hides the element where there is none. */
export function setNotice(element: HTMLElement, text: string | null): void {
  element.hidden = text === null;
  setText(element, text ?? '');
}

/** One cell of a row: its text, its class. */
export type Cell = string | { readonly text: string; readonly className: string };

/** The rows of a table by a key: rows stay the same elements while their texts change, so that focus stays in them. */
export class KeyedRows {
  readonly #body: HTMLElement;
  readonly #decorate: (row: HTMLTableRowElement, key: string) => void;
  readonly #rows = new Map<string, HTMLTableRowElement>();

  /** `decorate` is given each new row after its cells are there. */
  constructor(body: HTMLElement, decorate: (row: HTMLTableRowElement, key: string) => void = () => {}) {
    this.#body = body;
    this.#decorate = decorate;
  }

  /** Shows these rows, in this order; a row has as many cells each time. */
  show(rows: readonly (readonly [key: string, cells: readonly Cell[], state?: string])[]): void {
    const keys = new Set(rows.map(([key]) => key));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    rows.forEach(([key, cells, state = ''], place) => {
      const row = this.#row(key, cells.length);
      cells.forEach((cell, column) => setCell(row.cells[column]!, cell));
      if (row.dataset['state'] !== state) row.dataset['state'] = state;
      const at = this.#body.children[place] ?? null;
      if (at !== row) this.#body.insertBefore(row, at);
    });
  }

  #row(key: string, cells: number): HTMLTableRowElement {
    let row = this.#rows.get(key);
    if (row === undefined) {
      row = document.createElement('tr');
      row.dataset['key'] = key;
      for (let column = 0; column < cells; column++) row.insertCell();
      this.#decorate(row, key);
      this.#rows.set(key, row);
    }
    return row;
  }
}

function setCell(cell: HTMLTableCellElement, content: Cell): void {
  const { text, className } = typeof content === 'string' ? { text: content, className: '' } : content;
  setText(cell, text);
  if (cell.className !== className) cell.className = className;
}

/** The options of a choice; what was chosen stays chosen where it is still there. */
export function setOptions(
  select: HTMLSelectElement,
  options: readonly (readonly [value: string, text: string])[],
): void {
  const wanted = JSON.stringify(options);
  if (select.dataset['options'] === wanted) return;
  select.dataset['options'] = wanted;
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}
