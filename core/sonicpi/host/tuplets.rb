# `tuplets` of Sonic Pi 5: a list of beats, of which nested lists share one beat.
module Tuplets
  # Run the block once per element. An element takes `duration` beats; a nested list takes as long as one
  # element. `swing` delays every `swing_pulse`-th element of nested lists whose length is a multiple of it.
  def tuplets(elements, opts = {}, &block)
    raise ArgumentError, 'tuplets needs a do/end block' unless block
    raise ArgumentError, "tuplets needs a list, got: #{elements.inspect}" unless is_list_like?(elements)
    elements.each do |element|
      if is_list_like?(element)
        __play_tuplet(element, opts, block) unless element.to_a.empty?
      else
        time_warp(0) { block.call(element) }
        sleep(opts.fetch(:duration, 1))
      end
    end
  end

  private

  def __play_tuplet(elements, opts, block)
    size = elements.to_a.size
    duration = opts.fetch(:duration, 1)
    start_beat = beat
    with_bpm_mul(size) do
      elements.to_a.each_with_index do |element, index|
        time_warp(__tuplet_delay(index, size, opts)) { block.call(element) }
        sleep(duration)
        # Beats are those of the whole list, not of the nested one.
        __system_thread_locals.set(:sonic_pi_spider_beat, start_beat + duration * (index + 1).fdiv(size))
      end
    end
  end

  # Return the delay of an element in beats of the nested list.
  def __tuplet_delay(index, size, opts)
    pulse = opts.fetch(:swing_pulse, 2)
    is_swung = (size % pulse).zero? && ((index + opts.fetch(:swing_offset, 0) + 1) % pulse).zero?
    return 0 unless is_swung
    opts.fetch(:swing, 0) * size.to_f / __time_warp_density
  end

  # In 3.2.2, time_warp multiplies its delay by the density of enclosing `density` blocks.
  def __time_warp_density
    __thread_locals.get(:sonic_pi_local_spider_density) || 1.0
  end
end
