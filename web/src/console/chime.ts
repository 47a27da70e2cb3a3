let audio: AudioContext | null = null;

/** Two soft notes, made here so that no sound has to be loaded. */
export function chime(): void {
  try {
    audio ??= new AudioContext();
    const start = audio.currentTime;
    [523.25, 783.99].forEach((frequency, index) => {
      if (!audio) return;
      const [tone, gain, from] = [audio.createOscillator(), audio.createGain(), start + index * 0.13];
      tone.frequency.value = frequency;
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(0.07, from + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, from + 0.5);
      tone.connect(gain).connect(audio.destination);
      tone.start(from);
      tone.stop(from + 0.55);
    });
  } catch {
    // A browser that lets nothing sound: the title and the live region say it too.
  }
}
