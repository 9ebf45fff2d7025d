# What Sonic Pi takes for scsynth: it writes down every message as a score, and
# answers as scsynth would, from a model of the node tree.
require_relative 'lifetimes'
require_relative 'sound_file'
require_relative 'score'

class ScsynthLink
  Node = Struct.new(:id, :parent, :children, :synthdef, :args, :envelope, :ending)

  # They only concern a screen or a sound card.
  NOT_PLAYED = %w[sonic-pi-scope sonic-pi-server-info sonic-pi-amp_stereo_monitor sonic-pi-recorder].freeze
  # Answered here, but no part of a score: scsynth must write no file, and what
  # it would say is known.
  NOT_SCORED = %w[/sync /notify /clearSched /d_loadDir /b_query /b_write /b_close /status /quit].freeze
  MICROPHONE = /\Asonic-pi-(sound_in|live_audio)/.freeze
  # From 8 Hz to half the sample rate, as MIDI notes.
  HEARD_NOTES = (0.0..136.7).freeze

  attr_reader :score, :alive

  # The block is told of what live Sonic Pi passes over: kind, message.
  def initialize(limits, &warn)
    @limits = limits
    @warn = warn
    @score = Score.new
    @buffers = {}
    @nodes = { 0 => Node.new(0, nil, {}) }
    @alive = 0
  end

  attr_writer :events

  def version
    'v3'
  end

  def shutdown; end

  def send(address, *args)
    record(VirtualTime.now, address, args)
    apply(address, args)
  end

  def send_at(time, address, *args)
    at = time - VirtualTime::EPOCH_TIME
    record(at, address, args)
    return apply(address, args) if at <= VirtualTime.now
    VirtualTime.at(at) { apply(address, args) }
  end

  private

  # The line is looked up only when there is soon something to say about it.
  def record(time, address, args)
    @limits.line = Report.line if @limits.near?(@alive)
    return if NOT_SCORED.include?(address)
    if address == '/s_new'
      return if NOT_PLAYED.include?(args[0])
      look_at_synth(args)
    end
    @score.add(time, address, args)
    @limits.events(@score.size)
  end

  # Live Sonic Pi says nothing of these, and nothing sounds.
  def look_at_synth(args)
    @warn.call('unknown_synth', "scsynth has no synth #{args[0]}: nothing sounds") unless synthdef?(args[0])
    @warn.call('ignored', "#{args[0].delete_prefix('sonic-pi-')} hears nothing here: live audio needs a microphone") if MICROPHONE.match?(args[0])
    return unless (place = args.index('note'))
    note = args[place + 1]
    @warn.call('out_of_range', "note #{note.round(2)} lies beyond hearing") unless HEARD_NOTES.cover?(note)
  end

  def apply(address, args)
    case address
    when '/s_new' then synth(args)
    when '/g_new' then args.each_slice(3) { |id, action, target| add(id, action, target) }
    when '/n_free' then args.each { |id| free(id) }
    when '/g_freeAll', '/g_deepFree' then args.each { |id| free_children(id) }
    when '/n_set' then change(args[0], Hash[*args[1..]])
    when '/n_run' then args.each_slice(2) { |id, on| tell(on.zero? ? '/n_off/' : '/n_on/', id) }
    when '/n_order' then args[2..].each { |id| move(id, args[1]) }
    when '/b_allocRead' then read_buffer(args[0], args[1])
    when '/b_alloc' then buffer(args[0], SoundFile::Info.new(args[1].to_i, args[2], 44_100.0))
    when '/b_query' then answer('/b_info', @buffers.fetch(args[0], [0, 0, 0.0]).to_a.unshift(args[0]))
    when '/b_write', '/b_close' then answer('/done', [address, args[0]])
    when '/d_loadDir' then answer('/done', [address])
    when '/sync' then answer('/synced', args)
    end
  end

  def answer(address, args)
    @events.async_event(address, args)
  end

  def tell(what, id)
    @events.async_event([what, id], [id, @nodes[id]&.parent&.id || 0, -1, -1, 0])
  end

  def synth(args)
    name, id, action, target, *controls = args
    return server_info if name == 'sonic-pi-server-info'
    return unless synthdef?(name)
    return unless (node = add(id, action, target))
    node.synthdef = name
    node.args = Hash[*controls]
    @alive += 1
    @limits.alive(@alive)
    foretell(node)
  end

  def synthdef?(name)
    NOT_PLAYED.include?(name) || (@synthdefs ||= {}).fetch(name) do
      @synthdefs[name] = File.exist?("#{SYNTHDEF_PATH}/#{name}.scsyndef")
    end
  end

  def server_info
    answer('/sonic-pi/server-info',
           [0, 0, 44_100.0, 1 / 44_100.0, 0, 689.0625, 1 / 689.0625, 0, 2, 2, 1024, 4096, 4096])
  end

  def add(id, action, target)
    place = @nodes[target]
    parent = action >= 2 ? place&.parent : place
    return unless parent&.children
    node = Node.new(id, parent, {})
    @nodes[id] = parent.children[id] = node
    tell('/n_go/', id)
    node
  end

  def move(id, target)
    return unless (node = @nodes[id]) && (parent = @nodes[target])
    node.parent.children.delete(id)
    node.parent = parent
    parent.children[id] = node
    @events.async_event(['/n_move/', id], [id, target, -1, -1, 0])
  end

  def foretell(node)
    now = VirtualTime.now
    node.children = nil
    if (buffer = @buffers[node.args['buf']&.to_i]) &&
       (seconds = Lifetimes.sampler_seconds(node.synthdef, node.args, buffer.frames / buffer.sample_rate))
      return end_at(node, now + seconds)
    end
    return unless (node.envelope = Lifetimes.envelope(node.synthdef, with_defaults(node), now))
    end_at(node, node.envelope.finish)
  end

  # What Sonic Pi left out has the synth's own default.
  def with_defaults(node)
    defaults = (@defaults ||= {})[node.synthdef] ||= begin
      info = SonicPi::Synths::SynthInfo.get_info(node.synthdef.delete_prefix('sonic-pi-').to_sym)
      info ? info.arg_defaults.transform_keys(&:to_s) : {}
    end
    defaults.merge(node.args)
  end

  def end_at(node, time)
    node.ending.cancelled = true if node.ending
    node.ending = VirtualTime.at(time) { free(node.id) } if time.finite?
  end

  def change(id, controls)
    return unless (node = @nodes[id])
    return node.children.each_key { |child| change(child, controls) } if node.children
    return if (controls.keys & Lifetimes::STAGES).empty? || node.envelope.nil?
    node.args.merge!(controls)
    node.envelope.change(with_defaults(node), VirtualTime.now)
    end_at(node, node.envelope.finish)
  end

  def free(id)
    return unless id != 0 && (node = @nodes.delete(id))
    node.ending.cancelled = true if node.ending
    if node.children
      node.children.keys.each { |child| free(child) }
    else
      @alive -= 1
    end
    node.parent.children.delete(id)
    @events.async_event(['/n_end/', id], [id, node.parent.id, -1, -1, 0])
  end

  def free_children(id)
    @nodes[id]&.children&.keys&.each { |child| free(child) }
  end

  def read_buffer(id, path)
    buffer(id, SoundFile.info(path))
    answer('/done', ['/b_allocRead', id])
  rescue SoundFile::Unreadable => e
    @warn.call('missing_sample', e.message)
    answer('/fail', ['/b_allocRead', e.message, id])
  end

  def buffer(id, info)
    @buffers[id] = info
    answer('/done', ['/b_alloc', id])
  end
end
