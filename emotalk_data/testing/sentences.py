"""Invented everyday lines, and the markup that transcripts of EmotionTalk carry.

Nothing here comes from a corpus: the lines are about tea, weather, keys and buses.
"""

from __future__ import annotations

import random

__all__ = ["CAPTION_KEYS", "LINES", "captions", "draw_tags", "mark_up"]

LINES = (
    "今天早上的公交车来得特别慢。",
    "我把雨伞忘在办公室的门口了。",
    "你帮我看一下水烧开了没有？",
    "楼下新开的面馆味道真不错。",
    "这个周末我们一起去爬山吧。",
    "我的钥匙怎么又找不到了？",
    "小猫昨天晚上一直在窗台上睡觉。",
    "妈妈寄来的苹果又大又甜。",
    "明天要下雨，记得把衣服收进来。",
    "他终于把那本厚书看完了。",
    "这张照片是在海边拍的。",
    "你说的那家店到底在哪条街上？",
    "我刚学会骑车，还有一点不稳。",
    "邻居家的孩子正在练习弹钢琴。",
    "菜已经凉了，我再去热一热。",
    "昨天的电影比我想的要长。",
    "这杯茶放得太久了，有点苦。",
    "我们约好三点在图书馆门口见面。",
    "电梯坏了，只好走楼梯上去。",
    "桌上的花是谁送来的呀？",
    "我想给房间换一个浅色的窗帘。",
    "火车还有十分钟就要开了。",
    "别着急，我们慢慢想办法。",
    "外面的桂花开了，到处都是香味。",
    "他说他从来没有吃过这种饺子。",
    "快递放在门口的柜子里了。",
    "你昨天晚上是不是又熬夜了？",
    "这道题我算了三遍都不一样。",
    "奶奶的收音机又能响了。",
    "等天气凉快了再去公园走走。",
)

CAPTION_KEYS = (
    "spe_cap",
    "style_cap",
    "emo_cap",
    "caption_1",
    "caption_2",
    "caption_3",
    "caption_4",
    "caption_5",
)

_VOICES = ("一位声音清亮的年轻女性", "一位声音低沉的中年男性", "一位嗓音柔和的女性", "一位语调平稳的男性")
_STYLES = ("语速适中，吐字清楚", "语速偏快，停顿很少", "说得很慢，声音偏轻", "音量渐高，尾音上扬")
_SCENES = ("周围很安静，每个字都听得清", "背景里有轻微的风扇声", "像是在房间里和朋友闲聊", "听起来离话筒很近")
_FEELINGS = {
    "neutral": "情绪平静",
    "happy": "带着笑意，心情很好",
    "sad": "有些低落",
    "angry": "带着不满",
    "surprised": "感到意外",
    "disgusted": "不太喜欢这件事",
    "fearful": "有些担心",
}


def captions(rng: random.Random, emotion: str) -> dict[str, str]:
    """Return the eight captions of an utterance, in the order of `CAPTION_KEYS`."""
    voice, style, scene = rng.choice(_VOICES), rng.choice(_STYLES), rng.choice(_SCENES)
    feeling = _FEELINGS[emotion]
    return {
        "spe_cap": f"{voice}。",
        "style_cap": f"{style}。",
        "emo_cap": f"{feeling}。",
        "caption_1": f"{voice}在说话，{style}，{feeling}，{scene}。",
        "caption_2": f"{style}，听得出{feeling}，{scene}。",
        "caption_3": f"说话的是{voice}，{feeling}，{scene}。",
        "caption_4": f"{feeling}的{voice[2:]}，{style}，{scene}。",
        "caption_5": f"这段话{style}，说话人{feeling}，{scene}。",
    }


def mark_up(line: str, tags: tuple[tuple[str, int], ...]) -> str:
    """Insert each tag of `tags` at its character position of `line`; positions must not decrease."""
    pieces: list[str] = []
    last = 0
    for tag, position in tags:
        pieces += [line[last:position], tag]
        last = position
    return "".join([*pieces, line[last:]])


def draw_tags(rng: random.Random, line: str) -> tuple[tuple[str, int], ...]:
    """Return markup for `line` that is legal and balanced, or nothing for about half of the draws.

    `[over]` is at times the opening and at times the closing mark, and `[/over/]` closes: both are the
    release's own spellings.
    """
    if rng.random() < 0.5:
        return ()
    start = rng.randint(0, 3)
    end = rng.randint(start + 1, len(line) - 2)
    before_stop = len(line) - 1
    overlap = (("[over/]", start), ("[/over]", end))
    return rng.choice(
        (
            overlap,
            overlap,
            overlap,
            (*overlap, ("[interrupted]", before_stop)),
            (("[over]", start), ("[over]", end)),
            (("[over/]", start), ("[/over/]", end)),
            (("[interrupted]", before_stop),),
            (("[laughing]", end),),
            (("[Sobbing]", start),),
            (("[crying]", before_stop),),
            (("[screaming]", 0),),
        )
    )
