// Everything a person can do in the town, and what they are told when it goes wrong.
import { createContext, useMemo } from "./preact.js";
import { post, request } from "./api.js";

/** The actions of `me`, for every component below the app. */
export const Actions = createContext(null);

const TROUBLE = {
  operation_timeout: "Purgebot did not answer within 3 seconds (operation_timeout).",
  dispatch_failed: "Slack could not reach Purgebot (dispatch_failed).",
};

export function useActions(me, toast) {
  return useMemo(() => {
    /** The answer, or null after a toast: no caller has to catch. */
    async function attempt(call) {
      try {
        const answer = await call;
        if (TROUBLE[answer.outcome]) toast(answer.shown || TROUBLE[answer.outcome], "error");
        return answer;
      } catch (failure) {
        toast(failure.message, "error");
        return null;
      }
    }
    const slack = (path, body) => attempt(post(`slack/${path}`, { as: me, ...body }));
    return {
      toast,
      say: (channel, text) => slack("say", { channel, text }),
      /** `place` is { channel, ts } of a message or { view_id } of a view. */
      press: (place, block_id, action_id, selected) =>
        slack("press", { ...place, block_id, action_id, ...(selected && { selected }) }),
      submit: (view_id, values) => slack("submit", { view_id, values }),
      close: (view_id) => slack("close", { view_id }),
      openHome: () => slack("open_home", {}),
      invite: (channel, user) => attempt(post("slack/join", { channel, user })),
      slackFaults: (faults) => attempt(post("slack/faults", faults)),
      dropSocket: () => attempt(post("slack/sockets", { action: "disconnect", reason: "link_disabled", drop: true })),
      wait: (seconds) => attempt(post("slack/wait", { seconds })),
      breakCdn: (fault) => attempt(post("cdn/faults", fault)),
      endTask: (id, end) => attempt(post(`cdn/tasks/${encodeURIComponent(id)}`, end)),
      clearFaults: () => attempt(Promise.all([request("DELETE", "slack/faults"), request("DELETE", "cdn/faults")])),
      startOver: () => attempt(post("town/reset")),
    };
  }, [me, toast]);
}
