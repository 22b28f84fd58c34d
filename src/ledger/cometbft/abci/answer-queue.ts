import type { Response } from 'cosmjs-types/tendermint/abci/types';

/** Answers to a connection's requests, which leave in the order in which the requests came. */
export interface AnswerQueue {
  /** A place at the end, for a request of so many bytes; its answer comes by the function that is returned. */
  reserve(sizeBytes: number): (response: Response) => void;
  /** Requests without an answer that was passed on, and their bytes. */
  pending(): number;
  pendingBytes(): number;
}

interface Place {
  readonly sizeBytes: number;
  response: Response | undefined;
  next: Place | undefined;
}

/** `onAnswer` gets each answer once all before it have been passed on. */
export function createAnswerQueue(onAnswer: (response: Response) => void): AnswerQueue {
  let first: Place | undefined;
  let last: Place | undefined;
  let pending = 0;
  let pendingBytes = 0;

  function advance(): void {
    while (first?.response !== undefined) {
      const { response, sizeBytes } = first;
      first = first.next;
      if (first === undefined) last = undefined;
      pending--;
      pendingBytes -= sizeBytes;
      onAnswer(response);
    }
  }

  return {
    reserve(sizeBytes) {
      const place: Place = { sizeBytes, response: undefined, next: undefined };
      if (last === undefined) first = place;
      else last.next = place;
      last = place;
      pending++;
      pendingBytes += sizeBytes;
      return (response) => {
        place.response = response;
        if (place === first) advance();
      };
    },
    pending: () => pending,
    pendingBytes: () => pendingBytes,
  };
}
