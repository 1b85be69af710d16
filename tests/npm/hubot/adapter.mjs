/* Hubot's own Slack adapter, with clients that talk to the Slack which the environment names. */

import { SlackAdapter } from '@hubot-friends/hubot-slack/src/SlackAdapter.mjs';
import { SocketModeClient } from '@slack/socket-mode';
import { WebClient } from '@slack/web-api';

const { SLACK_API_URL, SLACK_APP_TOKEN, SLACK_BOT_TOKEN } = process.env;
const clientOptions = { slackApiUrl: SLACK_API_URL };

export default {
  use(robot) {
    const socket = new SocketModeClient({ appToken: SLACK_APP_TOKEN, clientOptions });
    const web = new WebClient(SLACK_BOT_TOKEN, clientOptions);
    return new SlackAdapter(robot, socket, web, { token: SLACK_BOT_TOKEN });
  },
};
