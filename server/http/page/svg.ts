const SVG = 'http://www.w3.org/2000/svg';

export type Attributes = Readonly<Record<string, string | number>>;

/** An SVG element with its attributes. */
export function shape<N extends keyof SVGElementTagNameMap>(
  name: N,
  attributes: Attributes = {},
): SVGElementTagNameMap[N] {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, String(value));
  return element;
}

export function svgText(content: string, attributes: Attributes): SVGTextElement {
  const element = shape('text', attributes);
  element.textContent = content;
  return element;
}
