/* What the compiler must refuse: where it does not, it says that an expected error is missing. */

import type { RespondArguments, SlashCommand } from '@slack/bolt';
import type { KnownBlock } from '@slack/types';
import type * as api from '@slack/web-api';
import type { Answer, Press } from './slack.js';

const words = { type: 'plain_text', text: 'x' } as const;
const button = { type: 'button', text: words } as const;
const press = {} as Press;
const pick = { type: 'users_select', selected_user: 'U1' };

// @ts-expect-error  no such block
({ type: 'banner' }) satisfies KnownBlock;
// @ts-expect-error  a colour that Slack does not have
({ type: 'actions', elements: [{ ...button, style: 'warning' }] }) satisfies KnownBlock;
// @ts-expect-error  a label with markup
({ type: 'actions', elements: [{ ...button, text: { type: 'mrkdwn', text: 'x' } }] }) satisfies KnownBlock;
// @ts-expect-error  a button where only text and images may be
({ type: 'context', elements: [button] }) satisfies KnownBlock;
// @ts-expect-error  a key that Slack does not know
({ type: 'section', text: { type: 'mrkdwn', text: 'x', escaped: true } }) satisfies KnownBlock;
// @ts-expect-error  a message for nowhere
({ text: 'x' }) satisfies api.ChatPostMessageArguments;
// @ts-expect-error  an answer for nobody
({ text: 'x', response_type: 'nobody' }) satisfies RespondArguments;
// @ts-expect-error  a command without its context
({ command: '/purge', text: '' }) satisfies SlashCommand;
// @ts-expect-error  a press without the address for its answer
({ ...press, response_url: undefined }) satisfies Press;
// @ts-expect-error  a state that holds more than the choice
({ ...press, state: { values: { b: { p: { ...pick, action_id: 'p' } } } } }) satisfies Press;
// @ts-expect-error  a ts that is a number
({ ok: true, ts: 1700000000.1 }) satisfies Answer<api.ChatPostMessageResponse>;
// @ts-expect-error  a block in an answer that is none
({ ok: true, message: { blocks: [{ type: 'banner' }] } }) satisfies Answer<api.ChatPostMessageResponse>;
// @ts-expect-error  a person with a field of our own
({ ok: true, user: { id: 'U1', clearance: 'high' } }) satisfies Answer<api.UsersInfoResponse>;
