import { concatBytes, utf8 } from '../../std/bytes.ts';
import { blockIdToBytes } from './block-id.ts';
import { type CommitJson, int64Of } from './light-block.ts';
import { bytesField, delimited, messageField, sfixed64Field, varintField } from './protobuf.ts';
import { timestampToBytes } from './timestamp.ts';

const PRECOMMIT = 2;

/**
 * What a validator signed with its vote for a commit's block at `timestamp`: CanonicalVote after its length
 * (types/vote.go, VoteSignBytes). Round 0 is a default value and so is left out. Throws Reject COMMIT_MALFORMED.
 */
export function voteSignBytes(commit: CommitJson, timestamp: string, chainId: string): Uint8Array {
  const vote = concatBytes(
    varintField(1, PRECOMMIT),
    sfixed64Field(2, int64Of(commit.height)),
    sfixed64Field(3, commit.round),
    messageField(4, blockIdToBytes(commit.block_id)),
    messageField(5, timestampToBytes(timestamp)),
    bytesField(6, utf8(chainId)),
  );
  return delimited(vote);
}
