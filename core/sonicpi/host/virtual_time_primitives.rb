# Ruby's threads, locks, queues and clocks on virtual time.
#
# Sonic Pi's own code runs on them unchanged. Outside of VirtualTime.run, in the host's own code, they
# behave as Ruby's originals.
require 'monitor'
require_relative 'virtual_time'

class Thread
  class << self
    alias unmanaged_current current

    def current
      VirtualTime.thread || unmanaged_current
    end

    def new(*args, &block)
      raise ThreadError, 'must be called with a block' unless block
      VirtualTime.spawn(args, block)
    end
    alias start new
    alias fork new

    def pass
      VirtualTime.pass if VirtualTime.managed?
    end

    def kill(thread)
      thread.kill
    end

    def exit
      current.kill
    end

    def stop
      VirtualTime.block_on(nil)
    end
  end
end

class Fiber
  class << self
    alias unmanaged_new new

    def new(...)
      VirtualTime.count_fiber
      unmanaged_new(...)
    end
  end
end

# An Enumerator has a fiber from its first `next` on.
module ManagedEnumerator
  %i[next peek next_values peek_values].each do |name|
    define_method(name) do
      unless @has_fiber
        VirtualTime.count_fiber
        @has_fiber = true
      end
      super()
    end
  end

  def rewind
    @has_fiber = false
    super
  end
end
Enumerator.prepend(ManagedEnumerator)

class Thread::Mutex
  alias unmanaged_try_lock try_lock
end

module ManagedMutex
  def lock
    return super unless VirtualTime.managed?
    acquire
    record_holder
    self
  end

  def try_lock
    super.tap { |is_locked| record_holder if is_locked && VirtualTime.managed? }
  end

  def unlock
    super
    VirtualTime.wake_one(@waiting) if @waiting
    if @holder
      @holder.held_locks.delete(self)
      @holder = nil
    end
    self
  end

  # A block releases its lock itself, so its thread is not recorded.
  def synchronize
    return super unless VirtualTime.managed?
    acquire
    begin
      yield
    ensure
      unlock if owned?
    end
  end

  def sleep(seconds = nil)
    return super unless VirtualTime.managed?
    unlock
    begin
      VirtualTime.block_on([], seconds)
    ensure
      lock
    end
  end

  private

  def record_holder
    @holder = VirtualTime.thread
    @holder.held_locks << self
  end

  def acquire
    raise ThreadError, 'deadlock; recursive locking' if owned?
    VirtualTime.block_on(@waiting ||= []) until unmanaged_try_lock
  end
end
Thread::Mutex.prepend(ManagedMutex)

module ManagedConditionVariable
  def wait(mutex, seconds = nil)
    return super unless VirtualTime.managed?
    mutex.unlock
    begin
      VirtualTime.block_on(@waiting ||= [], seconds)
    ensure
      mutex.lock
    end
    self
  end

  def signal
    super
    VirtualTime.wake_one(@waiting) if @waiting
    self
  end

  def broadcast
    super
    VirtualTime.wake_all(@waiting) if @waiting
    self
  end
end
Thread::ConditionVariable.prepend(ManagedConditionVariable)

module ManagedMonitor
  def enter
    return super unless VirtualTime.managed?
    VirtualTime.block_on(@waiting ||= []) until try_enter
  end
  alias mon_enter enter

  def exit
    super
    VirtualTime.wake_one(@waiting) if @waiting
  end
  alias mon_exit exit

  def synchronize
    enter
    begin
      yield
    ensure
      self.exit
    end
  end
  alias mon_synchronize synchronize
end
Monitor.prepend(ManagedMonitor)

module ManagedQueue
  def pop(non_block = false)
    return super unless VirtualTime.managed? && !non_block
    VirtualTime.block_on(@waiting ||= []) while empty? && !closed?
    super(closed?).tap { VirtualTime.wake_one(@pushers) if @pushers }
  end
  alias shift pop
  alias deq pop

  def push(item, *rest)
    super
    VirtualTime.wake_one(@waiting) if @waiting
    self
  end
  alias << push
  alias enq push

  def close
    super
    VirtualTime.wake_all(@waiting) if @waiting
    self
  end
end
Thread::Queue.prepend(ManagedQueue)

module ManagedSizedQueue
  include ManagedQueue

  def push(item, non_block = false)
    if VirtualTime.managed? && !non_block
      VirtualTime.block_on(@pushers ||= []) while size >= max && !closed?
    end
    super
  end
  alias << push
  alias enq push
end
Thread::SizedQueue.prepend(ManagedSizedQueue)

module ManagedSleep
  def sleep(*seconds)
    return super unless VirtualTime.managed?
    seconds.empty? ? VirtualTime.block_on([]) : VirtualTime.sleep(seconds.first || 0)
  end
end
Kernel.singleton_class.prepend(ManagedSleep)

class Time
  class << self
    alias unmanaged_now now

    def now(*)
      VirtualTime.managed? ? VirtualTime.time : unmanaged_now
    end
  end
end

module ManagedClock
  def clock_gettime(clock, unit = :float_second)
    return super unless VirtualTime.managed?
    seconds = VirtualTime::EPOCH + VirtualTime.now
    case unit
    when :float_second then seconds
    when :float_millisecond then seconds * 1e3
    when :float_microsecond then seconds * 1e6
    when :second then seconds.to_i
    when :millisecond then (seconds * 1e3).to_i
    when :microsecond then (seconds * 1e6).to_i
    when :nanosecond then (seconds * 1e9).to_i
    else super
    end
  end
end
Process.singleton_class.prepend(ManagedClock)
