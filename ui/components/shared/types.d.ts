/** What Python and the browser say to each other, and what the browser keeps. Numbers named `*_id` are rows. */

/** How Streamlit calls the default export of a component, and what it does with what comes back. */
export interface Mounted<Data> {
  data: Data;
  parentElement: ShadowRoot;
  setTriggerValue(name: string, value: unknown): void;
}
export type CleanUp = () => void;

export interface ClassOfProject {
  id: number;
  name: string;
}

// ---- the deck: `ui/components/deck/__init__.py` and `ui/routes/desk.py`

export interface DeckData {
  project: number;
  title: string;
  annotator: number;
  screen: string;
  classes: ClassOfDeck[];
  heartbeat_ms: number;
  break_minutes: number | null;
}

export interface ClassOfDeck extends ClassOfProject {
  key: string | null;
  group: string;
}

export type Verdict = "class" | Aside;
export type Aside = "skip" | "unsure" | "none" | "bad";
export type QueueKind = "todo" | Aside;

export interface Suggestion {
  class_id: number;
  probability: number;
}

export interface ItemGroup {
  name: string;
  images: [item_id: number, class_id: number | null][];
}

/** One image that can be shown: of the queue, or of an answer that is looked at again. */
export interface Entry {
  candidate_id: number;
  item_id: number;
  rank?: number;
  width?: number;
  suggestion?: Suggestion;
  /** The two most probable classes, where the project shows its guess. */
  rivals?: number[];
  /** The most probable classes, the first one most, where the list is sorted by that. */
  likely?: number[];
  /** Images of the same thing, itself among them, each with the class that this person gave it. */
  group?: ItemGroup;
  /** Of the reserve: it is asked while the next round is prepared. */
  extra?: boolean;
}

/** What an answer is about that no round asked for: it is in no queue. */
export interface AnswerAlone {
  candidate_id: null;
  item_id: number;
}

export interface Answer {
  kind: "answer";
  token: string;
  candidate_id: number;
  verdict: Verdict;
  class_id: number | null;
  seconds: number;
  comment: string;
  proposed_class?: string;
  shown: object;
}

export interface Undo {
  kind: "undo";
  token: string;
  candidate_id: number | null;
}

/** Label near copies as the answer of that token: of `class_id`, which the server takes from the answer. */
export interface Likewise {
  kind: "likewise";
  token: string;
  answer: string;
  candidate_id: null;
  class_id: number | null;
  item_ids: number[];
  seconds: number;
  screen: string;
}

export type DeckEvent = Answer | Likewise | Undo;

/** An event as the browser keeps it until the server has acknowledged it. */
export type KeptEvent = DeckEvent & { key: string; at: number; entry: Entry | AnswerAlone };
export type RefusedEvent = KeptEvent & { reason: string };

export interface Worth {
  token: string;
  class_id: number;
  probability: number;
  agrees: boolean;
  words: string;
}

export interface Acknowledgement {
  key: string;
  stored: boolean;
  again?: boolean;
  reason?: string;
  worth?: Worth | null;
  /** Near copies that may be labelled as the answer of that token. */
  offer?: { token: string; item_ids: number[] };
  likewise?: { labelled: number; taken: number };
  check?: { right: boolean; class_id: number };
}

export interface RoundState {
  number: number;
  state: "open" | "labelled" | "closed" | "stopped";
  answered: number;
  total: number;
  checks?: [right: number, answered: number];
}

/** An answer that the server has stored; without a candidate where it was asked in no round. */
export interface StoredAnswer {
  token: string;
  candidate_id: number | null;
  item_id: number;
  verdict: Verdict;
  class_id: number | null;
  comment: string;
  proposed_class?: string;
  final: boolean;
  group?: ItemGroup;
  /** How many it stands for, where near copies were labelled likewise. */
  likewise?: number;
}

/** An answer that stands: on its way, or stored. */
export type StandingAnswer = Omit<StoredAnswer, "final"> & { final?: boolean; stored: boolean };

export interface DeskReply {
  acknowledgements: Acknowledgement[];
  kind: QueueKind;
  queue: Entry[];
  aside: Partial<Record<Aside, number>>;
  round: RoundState | null;
  awaited: string;
  recent: StoredAnswer[];
  own?: Own;
}

export interface Own {
  favourites: number[] | null;
  goal: (number | null)[] | null;
}

export interface GuideReply {
  html: string;
  examples: Record<number, number[]>;
}

// ---- the grid: `ui/components/grid/__init__.py` and `ui/routes/grid.py`

export interface GridData {
  project: number;
  annotator: number;
  screen: string;
  classes: ClassOfProject[];
  heartbeat_ms: number;
}

export interface GridImage {
  candidate_id: number;
  item_id: number;
  probability: number;
}

/** Where pages of the rest of the pool begin, and how many images each has. */
export interface GridPool {
  order: "surest" | "border";
  size: number;
}

export interface GridPage {
  token: string;
  class_id: number;
  expected_errors: number;
  /** No round waits for it: of the reserve, or of the rest of the pool. */
  extra: boolean;
  images: GridImage[];
}

export interface PageAnswer {
  token: string;
  class_id: number;
  accepted: number[];
  wrong: number[];
  seconds: number;
  screen: string;
}

/** What is to be stored: an answered page, or the token of one that is taken back. */
export type PageEvent = { accept: PageAnswer; undo?: undefined } | { undo: string; accept?: undefined };

export interface GridReply {
  reason: string | null;
  page: GridPage | null;
  waiting: Record<string, number>;
  /** How pages of this class went so far, or why there is none. */
  words: string;
  last: { token: string; class_id: number; pool: boolean; accepted: number; wrong: number } | null;
  awaited: string;
  round: { number: number; state: RoundState["state"] } | null;
}

// ---- the link between either and the server

/** What a link carries: the link asks for it, sends it, and hands over what the server says of it. */
export interface Cargo<Sent, Reply> {
  /** What goes with the next request. */
  load(): Sent;
  /** The request's body. */
  body(sent: Sent): object;
  /** The server has taken it; the words say why something of it is to be sent again, if something is. */
  taken(reply: Reply, sent: Sent): string;
  /** The server could not read it. Return to go on at once with less, throw to send the same again later. */
  unread(sent: Sent, reason: string): void;
  /** Whether something waits that was not sent yet; without an argument, whether anything waits at all. */
  waits(sent?: Sent): boolean;
}

// ---- found images and cards: `ui/components/finder/__init__.py`, `ui/components/gallery/__init__.py`

export interface Tile {
  id: number;
  image: string;
  score: string;
  label: string;
  believed: string;
  mark: string;
  free: boolean;
  history: string;
}

export interface FinderData {
  tiles: Tile[];
  may_send: boolean;
}

export interface Picture {
  image: string;
  name: string;
  caption: string;
}

/** The reasons for a candidate, as text and pictures ready to show. */
export interface Told {
  sentences: string[];
  answers: [name: string, probability: string, gain: string][];
  about: string;
  informs: Picture[];
  alike: string;
  copies: Picture[];
  places: [strategy: string, place: string][];
}

export interface Card {
  image: string;
  rank: number;
  origin: string;
  believed: { name: string; value: number }[];
  facts: [name: string, value: string][];
  answers: string[];
  verdict: string;
  told?: Told | null;
}

export interface GalleryData {
  cards: Card[];
}

// ---- a chart that is saved: `ui/components/saver/__init__.py`

export interface SaverData {
  /** The key of the container that the chart is in. */
  figure: string;
  /** Of the file, without its ending. */
  name: string;
}

// ---- the map: `ui/components/map/__init__.py` and `ui/routes/map.py`

export interface MapData {
  project: number;
  title: string;
  /** Of what the map shows: with another one it is read anew. */
  version: string;
  classes: ClassOfProject[];
  may: ("send" | "label" | "save")[];
  done: number;
}

/** What somebody wants done with the selection. */
export type MapAct =
  | { what: "send" | "save"; ids: number[]; words: string }
  | { what: "label"; ids: number[]; class_id: number };

// ---- uploads: `ui/components/uploader/__init__.py` and `ui/routes/uploads.py`

export interface UploaderData {
  /** Where files are sent. */
  address: string;
  call: string;
  hint: string;
  /** What is said with each file; null where people choose what images are for. */
  query: string | null;
}

/** A file and its path below what was dropped. */
export interface Found {
  path: string;
  file: File;
}

/** A file that is to be sent. */
export interface Upload extends Found {
  to: string;
  /** Bytes of it that were sent, in this try. */
  arrived: number;
  /** Why it was refused. */
  why: string;
  /** What became of it, in lines. */
  said: string[];
  /** Whether the server said that it may come. */
  asked: boolean;
  abort(): void;
}

/** Of a request; status 0 where nobody answered. */
export interface Outcome {
  status: number;
  reply: { reason?: string; known?: boolean; said?: string[] };
}

declare global {
  /** Of the module that `loader.js` loads; `ui/components/modules.py` writes it there. */
  const ADDRESS: string;
}
