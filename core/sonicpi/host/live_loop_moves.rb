# A `live_loop` that is defined again in another FX moves there, as in Sonic Pi 5.
#
# It moves at its next round. The new FX lives until the loop moves on or ends. The first FX of a loop
# stays, without input, because its `with_fx` waits for the end of the loop's thread.
module LiveLoopMoves
  BUS = :sonic_pi_mod_sound_synth_out_bus
  GROUP = :sonic_pi_mod_sound_job_group

  # A place in the audio graph; outside of FX, bus and group are nil. `left` is delivered when the loop moves away, with the tracker of the
  # synths that still sound there.
  Place = Struct.new(:bus, :group, :left) do
    def same_as?(other)
      bus.equal?(other.bus)
    end
  end

  # The place of a live_loop, and the place to which it moves at its next round.
  LoopPlaces = Struct.new(:current, :pending)

  def live_loop(name = nil, *args, &block)
    places = (@live_loop_places ||= {})
    target = find_place
    thread = sthread(:"live_loop_#{name}")
    loop_places = places[name.to_s]
    unless thread&.alive? && loop_places
      return super.tap { places[name.to_s] = LoopPlaces.new(target) }
    end
    return super if target.same_as?(loop_places.pending || loop_places.current)
    request_move(loop_places, target, thread)
    super(name, *args, &wrap_in_move(loop_places, block))
  end

  private

  # Before the first sound, Sonic Pi's own functions would create bus and group of the program.
  def find_place
    bus = __system_thread_locals.get(BUS)
    bus = nil if bus && bus.equal?(current_job_bus)
    Place.new(bus, bus && __system_thread_locals.get(GROUP), SonicPi::Promise.new)
  end

  def request_move(loop_places, target, thread)
    loop_places.pending&.left&.deliver!(nil, false)
    loop_places.pending = target
    # This thread belongs to the new FX, which waits for it.
    in_thread do
      end_watcher = Thread.new do
        thread.join
        target.left.deliver!(nil, false)
      end
      tracker = target.left.get
      end_watcher.kill
      tracker&.get
    end
  end

  # Return a block of the same arity, because live_loop passes its result to a block with a parameter.
  def wrap_in_move(loop_places, block)
    return block if block.nil? || block.arity > 1
    return proc { move_live_loop(loop_places); block.call } if block.arity.zero?
    proc { |result| move_live_loop(loop_places); block.call(result) }
  end

  # Called in the loop's thread at the start of a round.
  def move_live_loop(loop_places)
    target = loop_places.pending or return
    loop_places.pending = nil
    tracker = __current_tracker
    __system_thread_locals.set_local(:sonic_pi_local_tracker, nil)
    __system_thread_locals.set(BUS, target.bus)
    __system_thread_locals.set(GROUP, target.group)
    loop_places.current.left.deliver!(tracker, false)
    loop_places.current = target
  end
end
