// The shortcodes that bots and people use most.  An unknown one stays as it was typed.
import { html } from "./preact.js";

const TABLE = `
  +1 👍 -1 👎 100 💯 alarm_clock ⏰ arrow_down ⬇️ arrow_forward ▶️ arrow_left ⬅️ arrow_right ➡️
  arrow_up ⬆️ arrows_counterclockwise 🔄 ballot_box_with_check ☑️ bangbang ‼️ beers 🍻 bell 🔔
  black_circle ⚫ blue_heart 💙 bookmark 🔖 boom 💥 broom 🧹 bug 🐛 bulb 💡 calendar 📆
  chart_with_upwards_trend 📈 checkered_flag 🏁 clap 👏 clipboard 📋 clock1 🕐 clock3 🕒
  closed_lock_with_key 🔐 cloud ☁️ construction 🚧 cry 😢 dart 🎯 double_vertical_bar ⏸️
  exclamation ❗ eyes 👀 fast_forward ⏩ file_folder 📁 fire 🔥 globe_with_meridians 🌐
  gear ⚙️ ghost 👻 gift 🎁 grey_question ❔ grin 😁 hammer_and_wrench 🛠️ hand ✋ heart ❤️
  heavy_check_mark ✔️ heavy_minus_sign ➖ heavy_multiplication_x ✖️ heavy_plus_sign ➕
  hourglass ⌛ hourglass_flowing_sand ⏳ hugging_face 🤗 inbox_tray 📥 information_source ℹ️
  joy 😂 key 🔑 label 🏷️ large_blue_circle 🔵 large_green_circle 🟢 large_orange_circle 🟠
  large_red_square 🟥 large_yellow_circle 🟡 link 🔗 lock 🔒 loudspeaker 📢 mag 🔍 mega 📣
  memo 📝 mute 🔇 new 🆕 no_bell 🔕 no_entry ⛔ no_entry_sign 🚫 octagonal_sign 🛑 ok ✅
  ok_hand 👌 outbox_tray 📤 package 📦 page_facing_up 📄 partying_face 🥳 pencil 📝 pencil2 ✏️
  point_down 👇 point_left 👈 point_right 👉 point_up 👆 pray 🙏 pushpin 📌 question ❓
  raised_hand ✋ raised_hands 🙌 recycle ♻️ red_circle 🔴 repeat 🔁 robot_face 🤖 rocket 🚀
  rotating_light 🚨 satellite 📡 scream 😱 see_no_evil 🙈 shield 🛡️ shrug 🤷 siren 🚨 skull 💀
  slightly_smiling_face 🙂 smile 😄 smiley 😃 snail 🐌 sob 😭 sos 🆘 sparkles ✨ speech_balloon 💬
  star ⭐ stop_sign 🛑 stopwatch ⏱️ sunglasses 😎 sweat_smile 😅 tada 🎉 thinking_face 🤔
  thumbsdown 👎 thumbsup 👍 timer_clock ⏲️ trophy 🏆 turtle 🐢 twisted_rightwards_arrows 🔀
  unlock 🔓 warning ⚠️ wastebasket 🗑️ wave 👋 white_check_mark ✅ white_circle ⚪ wink 😉
  wrench 🔧 x ❌ zap ⚡ zipper_mouth_face 🤐 zzz 💤`;

const words = TABLE.trim().split(/\s+/);
const BY_NAME = new Map(words.flatMap((word, i) => (i % 2 ? [] : [[word, words[i + 1]]])));

/** For places that hold nothing but text, such as the options of a select. */
export const emojified = (text) => text.replace(/:([a-z0-9_+'-]+):/g, (code, name) => BY_NAME.get(name) ?? code);

export function Emoji({ name }) {
  const picture = BY_NAME.get(name);
  return picture
    ? html`<span class="emoji" role="img" aria-label=${name.replaceAll("_", " ")} title=":${name}:">${picture}</span>`
    : `:${name}:`;
}
