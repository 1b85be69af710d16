// Description:
//   Answers to "ping" anywhere, and to "hello" where it is spoken to.

export default (robot) => {
  robot.hear(/\bping\b/i, (heard) => heard.send('pong'));
  robot.respond(/hello/i, (heard) => heard.send(`hello, ${heard.message.user.name}`));
  console.log('connected'); // Hubot loads scripts once its adapter is
};
