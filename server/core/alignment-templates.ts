/** Where landmarks belong: five points [x, y] in pixels of the network input, in the order of a landmarks region. */
export type AlignmentTemplate = readonly (readonly number[])[];

interface NamedTemplate {
  /** The input that it is for. */
  readonly width: number;
  readonly height: number;
  readonly points: AlignmentTemplate;
}

const WIDE: AlignmentTemplate = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
];

/** How much narrower an input of 96 is on either side. */
const MARGIN = (112 - 96) / 2;

/** Templates that face embedders are trained with, by the name that a config.yaml gives them. */
export const ALIGNMENT_TEMPLATES = {
  arcface_112: { width: 112, height: 112, points: WIDE },
  arcface_96x112: { width: 96, height: 112, points: WIDE.map(([x = 0, y = 0]) => [x - MARGIN, y]) },
} as const satisfies Record<string, NamedTemplate>;

export type AlignmentName = keyof typeof ALIGNMENT_TEMPLATES;

export const ALIGNMENT_NAMES = ['arcface_112', 'arcface_96x112'] as const satisfies readonly AlignmentName[];

/** The points of a configured alignment. */
export function alignmentPoints(alignment: AlignmentName | AlignmentTemplate): AlignmentTemplate {
  return typeof alignment === 'string' ? ALIGNMENT_TEMPLATES[alignment].points : alignment;
}
