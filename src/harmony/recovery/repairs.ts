/** Everything that the recovering parser can put right, by stable code. The docs show the same table. */
export const repairs = {
  'after-return': 'tokens after the end of the turn were left out',
  'arguments-incomplete': 'the arguments were cut short; they are never completed',
  'arguments-leading-junk': 'text before the one complete object was removed',
  'arguments-missing': 'a call without arguments',
  'arguments-not-json': 'the arguments are no JSON; kept as they are',
  'arguments-trailing-junk': 'text after the one complete object was removed',
  'arguments-unfenced': 'a code fence around the arguments was removed',
  'arguments-unwrapped': 'a list around the one object was removed',
  'call-aborted': 'a call broke off in its header and turned into text',
  'call-not-closed': 'a call did not end with <|call|>',
  'call-on-final': 'a call on the final channel',
  'channel-assumed': 'the channel was unknown or missing and was decided by what followed',
  'channel-empty': 'a channel token without a channel',
  'channel-normalized': 'the channel was misspelt',
  'channel-unknown': 'the channel is none of analysis, commentary, final',
  'constrain-dropped': 'what followed <|constrain|> was no content type',
  'constrain-order': 'the content type stood before the recipient',
  'duplicate-channel': 'several channels; the last one counts',
  'duplicate-recipient': 'several recipients; the last one counts',
  'duplicate-role': 'the role word came twice',
  'duplicate-start': 'the start token came twice',
  'empty-message': 'a header without a message was left out',
  endoftext: '<|endoftext|> ended the turn',
  'foreign-role': "a message in another's name was left out",
  'header-incomplete': 'the turn ended inside a header',
  'header-junk': 'words of the header that mean nothing were left out',
  'missing-channel-token': 'the channel stood without its token',
  'missing-end': 'a message ended without a stop token',
  'missing-message-token': 'the body began without <|message|>',
  'missing-role': 'a message without the name of its author',
  'missing-start': 'a message began without <|start|>',
  'recipient-dropped': 'the recipient is none that a call can have',
  'recipient-empty': 'to= without a recipient',
  'recipient-inferred': 'the recipient was lost; the arguments fit exactly one function',
  'recipient-missing-to': 'the recipient stood without to=',
  'recipient-normalized': 'the recipient was misspelt',
  'recipient-without-tools': 'a recipient although no tools are declared',
  'redundant-stop': 'a stop token where nothing was open',
  'return-not-final': '<|return|> ended a message that is no answer',
  'role-is-recipient': 'the function stood in the place of the author',
  'self-addressed': 'the assistant wrote to itself',
  'special-as-text': 'a control token inside a body was kept as text',
  'stray-token': 'a token that has no place where it stood',
  'tool-undeclared': 'a call of a function that was not declared',
  'type-not-recipient': 'a content type stood in the place of the recipient',
} as const;

export type RepairCode = keyof typeof repairs;

export interface Repair {
  readonly code: RepairCode;
  /** What it was about, for people. */
  readonly detail?: string;
  /** Text of the model that is in no message because of this repair. */
  readonly dropped?: string;
}

export function repair(code: RepairCode, detail?: string): Repair {
  return detail === undefined ? { code } : { code, detail };
}
