# A stand-in for Sonic Pi's connection to scsynth.
#
# It records every message in a score, and replies as scsynth would, from a model of the node tree.
require_relative 'synth_lifetimes'
require_relative 'sound_file_header'
require_relative 'nonrealtime_score'
require_relative 'clip_start'
require_relative 'scsynth_status_replies'

class ScsynthLink
  Node = Struct.new(:id, :parent, :children, :synthdef, :args, :envelope, :end_timer)

  # These SynthDefs only drive a screen or a sound card.
  SILENT_SYNTHDEFS = %w[sonic-pi-scope sonic-pi-server-info sonic-pi-amp_stereo_monitor sonic-pi-recorder].freeze
  # These commands get a reply, but are left out of the score: scsynth must not write files.
  UNSCORED_COMMANDS = %w[/sync /notify /clearSched /d_loadDir /b_query /b_write /b_close /status /quit].freeze
  MICROPHONE_SYNTHDEFS = /\Asonic-pi-(sound_in|live_audio)/.freeze
  # MIDI notes from 8 Hz to half the sample rate.
  AUDIBLE_NOTES = (0.0..136.7).freeze

  # scsynth plays a message at once that arrives at its time or later; times of equal value may differ
  # by a rounding error.
  LATE_TOLERANCE_SECONDS = 1e-6
  EMPTY_BUFFER = SoundFile::Info.new(0, 0, 0.0).freeze
  # These change sound, but make none.
  SOUNDLESS_SYNTHDEFS = /\Asonic-pi-(fx_|basic_mixer\z|mixer\z)/.freeze

  attr_reader :score, :clip_start

  # The block receives the kind and message of every warning, and the name that it is about, for what live Sonic Pi ignores silently.
  def initialize(limits, &warn)
    @limits = limits
    @warn = warn
    @score = Score.new
    @clip_start = ClipStart.new
    @buffers = {}
    @nodes = { 0 => Node.new(0, nil, {}) }
    @synth_count = 0
  end

  attr_writer :events

  def version
    'v3'
  end

  def shutdown; end

  def send(address, *args)
    record_message(VirtualTime.now, address, args)
    apply_message(address, args)
  end

  # scsynth plays a late message when it arrives, like one without a time.
  def send_at(time, address, *args)
    due_time = time - VirtualTime::EPOCH_TIME
    is_late = due_time <= VirtualTime.now + LATE_TOLERANCE_SECONDS
    play_time = is_late ? VirtualTime.now : due_time
    record_sound(args[0], play_time, time) if address == '/s_new'
    record_message(play_time, address, args, is_late ? due_time : nil)
    return apply_message(address, args) if is_late
    VirtualTime.schedule_at(due_time) { apply_message(address, args) }
  end

  private

  # Record where the sound of a synth begins, and how far ahead of the thread's own time it is sent.
  def record_sound(synthdef, play_time, due_time)
    return if SOUNDLESS_SYNTHDEFS.match?(synthdef) || MICROPHONE_SYNTHDEFS.match?(synthdef)
    return if SILENT_SYNTHDEFS.include?(synthdef) || !synthdef?(synthdef)
    thread_time = __system_thread_locals.get(:sonic_pi_spider_time) || Time.now
    @clip_start.record_sound(play_time, due_time - thread_time)
  end

  # Finding the line is slow, so it is only done when the limit is near.
  def record_message(time, address, args, due_time = nil)
    @limits.line = ProgramReport.current_line if @limits.near_synth_limit?(@synth_count)
    return if UNSCORED_COMMANDS.include?(address)
    if address == '/s_new'
      return if SILENT_SYNTHDEFS.include?(args[0])
      check_synth(args)
    end
    @score.add_message(time, address, args, due_time)
    @limits.check_messages(@score.size)
  end

  # Warn about synths that are silent without a message in live Sonic Pi.
  def check_synth(args)
    warn_about_silent_synth(args[0].delete_prefix('sonic-pi-')) unless synthdef?(args[0])
    if MICROPHONE_SYNTHDEFS.match?(args[0])
      name = args[0].delete_prefix('sonic-pi-')
      @warn.call('ignored', "#{name} is silent here: live audio needs a microphone", name)
    end
    return unless (index = args.index('note'))
    note = args[index + 1]
    @warn.call('out_of_range', "note #{note.round(2)} is outside the audible range") unless AUDIBLE_NOTES.cover?(note)
  end

  def warn_about_silent_synth(name)
    reason = LaterSounds.explain_missing(name) || "scsynth has no synth sonic-pi-#{name}"
    @warn.call('unknown_synth', "#{reason}, so this note is silent", name)
  end

  def apply_message(address, args)
    case address
    when '/s_new' then start_synth(args)
    when '/g_new' then args.each_slice(3) { |id, action, target| add_node(id, action, target) }
    when '/n_free' then args.each { |id| free_node(id) }
    when '/g_freeAll', '/g_deepFree' then args.each { |id| free_child_nodes(id) }
    when '/n_set' then set_controls(args[0], Hash[*args[1..]])
    when '/n_run' then args.each_slice(2) { |id, on| notify_node(on.zero? ? '/n_off/' : '/n_on/', id) }
    when '/n_order' then args[2..].each { |id| move_node(id, args[1]) }
    when '/b_allocRead' then load_buffer(args[0], args[1])
    when '/b_alloc' then register_buffer(args[0], SoundFile::Info.new(args[1].to_i, args[2], 44_100.0))
    when '/b_free' then @buffers[args[0]] = EMPTY_BUFFER
    when '/b_query' then send_reply('/b_info', [args[0], *@buffers.fetch(args[0], EMPTY_BUFFER)])
    when '/b_write', '/b_close' then send_reply('/done', [address, args[0]])
    when '/d_loadDir' then send_reply('/done', [address])
    when '/sync' then send_reply('/synced', args)
    when '/status' then send_reply('/status.reply', ServerStatus.status_reply(*count_nodes))
    end
  end

  def send_reply(address, args)
    @events.async_event(address, args)
  end

  def notify_node(address, id)
    @events.async_event([address, id], [id, @nodes[id]&.parent&.id || 0, -1, -1, 0])
  end

  def start_synth(args)
    name, id, action, target, *controls = args
    return send_reply('/sonic-pi/server-info', ServerStatus.server_info) if name == 'sonic-pi-server-info'
    return unless synthdef?(name) || missing_later_synth?(name)
    return unless (node = add_node(id, action, target))
    node.synthdef = name
    node.args = Hash[*controls]
    @synth_count += 1
    @limits.check_synths(@synth_count)
    schedule_end(node)
  end

  def synthdef?(name)
    SILENT_SYNTHDEFS.include?(name) || (@synthdefs ||= {}).fetch(name) do
      @synthdefs[name] = !LaterSounds.find_synthdef(name).nil?
    end
  end

  # A synth of a later version whose sound is missing is silent, but ends as where it sounds, so that
  # the FX around it end too.
  def missing_later_synth?(name)
    !LaterSounds.explain_missing(name.delete_prefix('sonic-pi-')).nil?
  end

  # Return the names of the SynthDefs of all running synths, and the number of groups.
  def count_nodes
    synths, groups = @nodes.each_value.partition(&:synthdef)
    [synths.map(&:synthdef), groups.size]
  end

  def add_node(id, action, target)
    target_node = @nodes[target]
    parent = action >= 2 ? target_node&.parent : target_node
    return unless parent&.children
    node = Node.new(id, parent, {})
    @nodes[id] = parent.children[id] = node
    notify_node('/n_go/', id)
    node
  end

  def move_node(id, target)
    return unless (node = @nodes[id]) && (parent = @nodes[target])
    node.parent.children.delete(id)
    node.parent = parent
    parent.children[id] = node
    @events.async_event(['/n_move/', id], [id, target, -1, -1, 0])
  end

  def schedule_end(node)
    now = VirtualTime.now
    node.children = nil
    if (buffer = @buffers[node.args['buf']&.to_i]) &&
       (seconds = Lifetimes.sample_player_seconds(node.synthdef, node.args, buffer.seconds))
      return schedule_free(node, now + seconds)
    end
    return unless (node.envelope = Lifetimes.build_envelope(node.synthdef, merge_defaults(node), now))
    schedule_free(node, node.envelope.end_time)
  end

  # Sonic Pi sends only options that differ from the defaults of the synth.
  def merge_defaults(node)
    defaults = (@defaults ||= {})[node.synthdef] ||= begin
      info = SonicPi::Synths::SynthInfo.get_info(node.synthdef.delete_prefix('sonic-pi-').to_sym)
      compiled_defaults = LaterSounds.find_synth(node.synthdef)&.fetch(:compiled_defaults, nil) || {}
      (info ? info.arg_defaults.merge(compiled_defaults) : {}).transform_keys(&:to_s)
    end
    defaults.merge(node.args)
  end

  def schedule_free(node, time)
    node.end_timer&.cancel
    node.end_timer = VirtualTime.schedule_at(time) { free_node(node.id) } if time.finite?
  end

  def set_controls(id, controls)
    return unless (node = @nodes[id])
    return node.children.each_key { |child| set_controls(child, controls) } if node.children
    return if (controls.keys & Lifetimes::STAGES).empty? || node.envelope.nil?
    node.args.merge!(controls)
    node.envelope.update_args(merge_defaults(node), VirtualTime.now)
    schedule_free(node, node.envelope.end_time)
  end

  def free_node(id)
    return unless id != 0 && (node = @nodes.delete(id))
    node.end_timer&.cancel
    if node.children
      node.children.keys.each { |child| free_node(child) }
    else
      @synth_count -= 1
    end
    node.parent.children.delete(id)
    @events.async_event(['/n_end/', id], [id, node.parent.id, -1, -1, 0])
  end

  def free_child_nodes(id)
    @nodes[id]&.children&.keys&.each { |child| free_node(child) }
  end

  def load_buffer(id, path)
    register_buffer(id, SoundFile.read_info(path))
    send_reply('/done', ['/b_allocRead', id])
  rescue SoundFile::Unreadable => e
    @warn.call('missing_sample', e.message, path)
    send_reply('/fail', ['/b_allocRead', e.message, id])
  end

  def register_buffer(id, info)
    @buffers[id] = info
    send_reply('/done', ['/b_alloc', id])
  end
end
