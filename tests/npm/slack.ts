/* Slack's published types, in words that JSON can say, and widened where they know less than
   Slack's reference pages, the samples of its Java SDK, or another type of its own. */

import type {
  BlockAction,
  EnvelopedEvent,
  KnownEventFromType,
  ViewClosedAction,
  ViewOutput,
  ViewSubmitAction,
} from '@slack/bolt';
import type { AppHomeOpenedEvent, GenericMessageEvent, KnownBlock } from '@slack/types';

interface Wider {
  bot_profile: { user_id?: string }; // @slack/web-api 8
  channel: { user?: string; priority?: number }; // the type of conversations.list, for direct ones
  members: { is_stranger?: boolean }; // reference, "user object"
  user: { is_stranger?: boolean }; // the same
  usergroups: { auto_type?: null; deleted_by?: null }; // reference, "usergroup object"
}

/** An answer of the Web API.  Its types stand for words by enums, for null by absence, and are
    vague on blocks, which must be known ones here. */
export type Answer<T, Name = ''> = T extends string
  ? `${T}`
  : T extends (infer Entry)[]
    ? Answer<Entry, Name>[]
    : T extends object
      ? { [Key in keyof T]: Key extends 'blocks' ? KnownBlock[] : Answer<T[Key], Key> | null } &
          (Name extends keyof Wider ? Wider[Name] : unknown)
      : T;

/** The Java samples have a `username`; where there is no enterprise Slack sends null. */
type Interaction<T extends { user: object }> = Omit<T, 'enterprise' | 'user'> & {
  enterprise: null;
  user: T['user'] & { username: string };
};
export type Press = Interaction<BlockAction>;
/** A view has no message to answer to. */
export type PressInView = Interaction<Omit<BlockAction, 'response_url'>>;
export type Submission = Interaction<ViewSubmitAction>;
export type Closing = Interaction<ViewClosedAction>;

export type Event<Name extends string> = EnvelopedEvent<KnownEventFromType<Name>>;
/** The types ask for `subtype: undefined`, which JSON cannot say. */
export type Message = EnvelopedEvent<Omit<GenericMessageEvent, 'subtype'>>;
/** The reference shows the ids that Slack gives a view. */
type HomeShown = AppHomeOpenedEvent['view'] & Omit<ViewOutput, 'title' | 'type'>;
export type HomeOpened = EnvelopedEvent<Omit<AppHomeOpenedEvent, 'view'> & { view?: HomeShown }>;
