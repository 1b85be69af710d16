/* An app on Slack's own Bolt for JavaScript: a command, a button and a modal.

   /purge CHANNEL  acknowledged; a button is posted in CHANNEL, and the response URL tells so, or
                   why Slack refused the post
   the button      its message is updated and a modal opens
   the modal       "no" is sent back as an error; anything else is posted in the channel

   node app.mjs socket|http: its environment says where Slack is.  A line on stdout says where it
   listens, or "connected"; it ends with its stdin. */

import bolt from '@slack/bolt';

const { SLACK_API_URL, SLACK_APP_TOKEN, SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET } = process.env;
const socketMode = process.argv[2] === 'socket';
const text = (words) => ({ type: 'plain_text', text: words });

const app = new bolt.App({
  token: SLACK_BOT_TOKEN,
  clientOptions: { slackApiUrl: SLACK_API_URL },
  logLevel: bolt.LogLevel.ERROR,
  ...(socketMode
    ? { socketMode, appToken: SLACK_APP_TOKEN }
    : { signingSecret: SLACK_SIGNING_SECRET }),
});

app.command('/purge', async ({ command, ack, respond, client }) => {
  await ack('a moment, please');
  const button = { type: 'button', action_id: 'ask', text: text('Why?'), value: command.text };
  const blocks = [{ type: 'actions', block_id: 'doors', elements: [button] }];
  try {
    await client.chat.postMessage({ channel: command.text, text: 'a button', blocks });
    await respond({ response_type: 'in_channel', text: `posted for ${command.user_name}` });
  } catch (refused) {
    const { error, needed = '' } = refused.data;
    await respond(`refused: ${error} ${needed}`);
  }
});

app.action('ask', async ({ ack, action, body, client }) => {
  await ack();
  const { channel, message, trigger_id, user } = body;
  const shown = { text: `asked ${user.name}`, blocks: [] };
  await client.chat.update({ channel: channel.id, ts: message.ts, ...shown });
  const element = { type: 'plain_text_input', action_id: 'reason' };
  await client.views.open({
    trigger_id,
    view: {
      type: 'modal',
      callback_id: 'reasons',
      private_metadata: action.value,
      title: text('Why?'),
      submit: text('Send'),
      blocks: [{ type: 'input', block_id: 'why', label: text('Reason'), element }],
    },
  });
});

app.view('reasons', async ({ ack, body, client, view }) => {
  const reason = view.state.values.why.reason.value;
  if (reason === 'no') {
    await ack({ response_action: 'errors', errors: { why: 'a reason, please' } });
    return;
  }
  await ack();
  const words = `${body.user.name}: ${reason}`;
  await client.chat.postMessage({ channel: view.private_metadata, text: words });
});

const late = setTimeout(() => {
  console.error('Slack has not said hello');
  process.exit(1);
}, 20_000);
const server = await app.start({ host: '127.0.0.1', port: 0 });
clearTimeout(late);
console.log(socketMode ? 'connected' : `http://127.0.0.1:${server.address().port}/slack/events`);
process.stdin.resume().on('end', () => process.exit());
