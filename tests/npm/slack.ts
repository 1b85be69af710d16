/* Slack's published types, as far as JSON can meet them, and widened where they are behind what
   Slack sends.  Each widening names who has it: the reference pages, the samples of the Java SDK
   (java-slack-sdk/json-logs), or the next major version of the types. */

import type { BlockAction, EnvelopedEvent, ViewClosedAction, ViewSubmitAction } from '@slack/bolt';
import type { AppHomeOpenedEvent, GenericMessageEvent, KnownBlock } from '@slack/types';

interface Later {
  bot_profile: { user_id?: string }; // @slack/web-api 8
  channel: { user?: string; priority?: number }; // reference, "conversation object", for direct ones
  members: { is_stranger?: boolean }; // reference, "user object"
  user: { is_stranger?: boolean }; // Java samples, users.info
  usergroups: { auto_type?: null; deleted_by?: null }; // reference and Java samples, usergroups.list
}

/** An answer of the Web API.  Its types stand for words by enums, for null by absence, and are
    vague on blocks, which must be known ones here. */
export type Answer<T, Name = ''> = T extends string
  ? `${T}`
  : T extends (infer Entry)[]
    ? Answer<Entry, Name>[]
    : T extends object
      ? { [Key in keyof T]: Key extends 'blocks' ? KnownBlock[] : Answer<T[Key], Key> | null } & (Name extends keyof Later
          ? Later[Name]
          : unknown)
      : T;

/** Outside of Enterprise Grid `enterprise` is null; `username` is in the Java samples. */
type Interaction<T extends { user: object }> = Omit<T, 'enterprise' | 'user'> & {
  enterprise: null;
  user: T['user'] & { username: string };
};
export type Press = Interaction<BlockAction>;
/** A view has no message to answer to. */
export type PressInView = Interaction<Omit<BlockAction, 'response_url'>>;
export type Submission = Interaction<ViewSubmitAction>;
export type Closing = Interaction<ViewClosedAction>;

/** The types ask for `subtype: undefined`, which JSON cannot say. */
export type Message = EnvelopedEvent<Omit<GenericMessageEvent, 'subtype'>>;
/** The reference shows the ids that Slack gives a view. */
export type HomeOpened = EnvelopedEvent<
  Omit<AppHomeOpenedEvent, 'view'> & { view?: AppHomeOpenedEvent['view'] & Omit<NonNullable<BlockAction['view']>, 'title' | 'type'> }
>;
