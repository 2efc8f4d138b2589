import type { GraphProto, NodeProto, TensorProto } from '../gen/onnx/onnx.js';
import { compareAgain, compareSizes, type Comparison, type ServedSize } from './comparison.js';
import { initializerNames, usedNames, type OnnxModel } from './graph.js';
import type { ImageInput } from './image-input.js';
import { judgeReshape } from './reshape.js';
import { judgeResize } from './resize.js';
import { judgeSlice } from './slice.js';
import { refuse, type Judge, type Refusal, type Replacement } from './verdict.js';

/** Operators whose constants may hold a batch or a size of the export. */
const JUDGES: Readonly<Record<string, Judge>> = { Reshape: judgeReshape, Resize: judgeResize, Slice: judgeSlice };

/** How often a graph is gone on with in one of several ways before it counts as undecided. */
const MOST_BRANCHES = 200;

/** A node that does not follow the served sizes by itself. */
export interface Step {
  readonly node: NodeProto;
  readonly verdict: Replacement | Refusal;
}

/** A conflict that the graph did not have at the sizes of the export. */
export interface Conflict {
  readonly node: NodeProto;
  readonly reason: string;
  readonly at: { readonly batch: number; readonly width: number; readonly height: number };
}

/** A model that has been brought to the served sizes, as far as that goes. */
export interface Followed {
  readonly model: OnnxModel;
  readonly steps: readonly Step[];
  readonly comparison: Comparison;
}

interface Outcome extends Followed {
  /** Whether the graph can be served so; `unclear`: it fits in more than one way. */
  readonly fits: 'yes' | 'no' | 'unclear';
}

/**
 * Replaces literal batches and sizes inside the graph, node after node since each changes the shapes behind it. Where a
 * node may become several things, each is tried, and the one that all nodes behind it can take is right. Ends at the
 * first node that is refused, which is then the last step, and at the first that cannot take what it is given, which
 * `newConflicts` names: what comes behind cannot be judged.
 */
export function followSizes(model: OnnxModel, input: ImageInput, size: ServedSize): Followed {
  return new Follower(input, size).follow(model, 0, compareSizes(model, input, size));
}

class Follower {
  readonly #input: ImageInput;
  readonly #size: ServedSize;
  #branches = 0;

  constructor(input: ImageInput, size: ServedSize) {
    this.#input = input;
    this.#size = size;
  }

  /** Goes through the nodes from `start` on; those in front follow already. */
  follow(model: OnnxModel, start: number, compared: Comparison): Outcome {
    let result = model;
    let comparison = compared;
    const steps: Step[] = [];
    for (let index = start; index < result.graph.node.length; index++) {
      const node = result.graph.node[index]!;
      const verdict = JUDGES[node.opType]?.(node, comparison) ?? { kind: 'follows' };
      switch (verdict.kind) {
        case 'follows':
          if (newConflicts(comparison).some((conflict) => conflict.node === node)) {
            return { model: result, steps, comparison, fits: 'no' };
          }
          break;
        case 'refuse':
          return { model: result, steps: [...steps, { node, verdict }], comparison, fits: 'no' };
        case 'choose':
          return this.#choose(result, index, comparison, steps, verdict.options);
        case 'replace':
          steps.push({ node, verdict });
          result = replaced(result, index, verdict);
          comparison = this.#again(comparison, result);
      }
    }
    return { model: result, steps, comparison, fits: 'yes' };
  }

  /** Goes on with each of the options. */
  #choose(
    model: OnnxModel,
    index: number,
    comparison: Comparison,
    steps: readonly Step[],
    options: readonly Replacement[],
  ): Outcome {
    const node = model.graph.node[index]!;
    this.#branches += options.length;
    const tooMany = this.#branches > MOST_BRANCHES;
    const ways = tooMany
      ? []
      : options.map((verdict) => {
          const changed = replaced(model, index, verdict);
          return { verdict, outcome: this.follow(changed, index + 1, this.#again(comparison, changed)) };
        });
    const [only, ...others] = ways.filter(({ outcome }) => outcome.fits !== 'no');
    if (only !== undefined && others.length === 0) {
      return { ...only.outcome, steps: [...steps, { node, verdict: only.verdict }, ...only.outcome.steps] };
    }
    const changes = options.map(({ change }) => change).join(' or ');
    const isOpen = tooMany || only !== undefined;
    const reason = isOpen ? 'and the graph does not tell which' : 'and the graph fits neither';
    const refused = refuse(
      `its literals may have meant several things: ${changes}, ${reason}; export it at the served size`,
    );
    return { model, steps: [...steps, { node, verdict: refused }], comparison, fits: isOpen ? 'unclear' : 'no' };
  }

  #again(comparison: Comparison, model: OnnxModel): Comparison {
    return compareAgain(comparison, model, this.#input, this.#size);
  }
}

/** Nodes that worked at the exported sizes and cannot at the served ones. */
export function newConflicts({ exported, served }: Comparison): Conflict[] {
  const known = new Set(exported.conflicts.map(({ node }) => node));
  return served.flatMap(({ conflicts, batch, width, height }) =>
    conflicts.filter(({ node }) => !known.has(node)).map((conflict) => ({ ...conflict, at: { batch, width, height } })),
  );
}

/** The model with a constant for one node and the inputs that refer to it; what fed only the old ones goes. */
function replaced(model: OnnxModel, index: number, verdict: Replacement): OnnxModel {
  const before = model.graph.node[index]!;
  const constant = verdict.constant(freshName(model.graph, before, verdict.role));
  return withArguments(model, index, constant, verdict.inputs(constant.name));
}

function withArguments(model: OnnxModel, index: number, constant: TensorProto, input: string[]): OnnxModel {
  const { graph } = model;
  const before = graph.node[index];
  const node = graph.node.map((other, at) => (at === index ? { ...other, input } : other));
  const used = usedNames({ ...graph, node });
  const orphaned = new Set(before?.input.filter((name) => name !== '' && !used.has(name)));
  return {
    ...model,
    graph: {
      ...graph,
      // A Constant node stays in its place, so that the indices of the nodes hold; runtimes remove it.
      node,
      initializer: [...graph.initializer.filter(({ name }) => !orphaned.has(name)), constant],
    },
  };
}

function freshName(graph: GraphProto, node: NodeProto, what: string): string {
  const taken = new Set(graph.node.flatMap(({ output }) => output).concat([...initializerNames(graph)]));
  let name = `${node.output[0] ?? ''}/${what}`;
  while (taken.has(name)) name += '_';
  return name;
}
