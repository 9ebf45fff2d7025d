# A thread on virtual time: a fiber with the methods of Ruby's Thread.
#
# VirtualTime decides when it runs. Switching to a fiber is a hundred times faster than switching to
# a thread of the system. It has those methods of Thread that Sonic Pi and its users call.
class VirtualThread
  attr_accessor :name, :priority, :report_on_exception, :abort_on_exception
  # For VirtualTime: the waiter that blocks this thread, and the waiters for the end of this thread.
  attr_accessor :waiter
  attr_reader :joiners

  def initialize(args, block)
    @fiber = Fiber.new { run_block(args, block) }
    @variables = {}
    @locals = {}
    @joiners = []
    @priority = 0
  end

  def started?
    @started
  end

  def alive?
    !@finished
  end

  def status
    return @failure ? nil : false if @finished
    current? ? 'run' : 'sleep'
  end

  def stop?
    @finished || !current?
  end

  def current?
    equal?(VirtualTime.thread)
  end

  def thread_variable_get(name)
    @variables[name.to_sym]
  end

  def thread_variable_set(name, value)
    @variables[name.to_sym] = value
  end

  def thread_variable?(name)
    @variables.key?(name.to_sym)
  end

  def thread_variables
    @variables.keys
  end

  def [](name)
    @locals[name.to_sym]
  end

  def []=(name, value)
    @locals[name.to_sym] = value
  end

  def fetch(name, *default, &block)
    @locals.fetch(name.to_sym, *default, &block)
  end

  def key?(name)
    @locals.key?(name.to_sym)
  end

  def keys
    @locals.keys
  end

  def join(limit = nil)
    VirtualTime.block_on(@joiners, limit) if alive? && VirtualTime.managed?
    return if alive?
    Kernel.raise @failure if @failure
    self
  end

  def value
    join
    @value
  end

  # End the thread at once: its `ensure` blocks run before the caller continues.
  def kill
    interrupt { throw self } if alive?
    self
  end
  alias terminate kill
  alias exit kill

  def raise(*error)
    interrupt { Kernel.raise(*(error.empty? ? ['unhandled exception'] : error)) } if alive?
  end

  def wakeup
    VirtualTime.wake(self)
    self
  end
  alias run wakeup

  # For VirtualTime: continue the thread where it yielded control.
  def resume
    @fiber.transfer
  end

  # Yield control to another thread or to the root fiber, then run the interrupt that another thread
  # has set meanwhile.
  def yield_to(other)
    @fiber = Fiber.current # The fiber of an Enumerator may be running.
    other.is_a?(Fiber) ? other.transfer : other.resume
    return unless (action = @interrupt)
    @interrupt = nil
    action.call
  end

  # Mark the thread as ended, and wake the threads that wait for its end.
  def mark_finished
    @finished = true
    VirtualTime.thread_ended(self)
  end

  private

  def run_block(args, block)
    @started = true
    catch(self) { @value = block.call(*args) }
  rescue SystemExit => e
    exit!(e.status)
  rescue Exception => e # rubocop:disable Lint/RescueException
    @failure = e
  ensure
    mark_finished
  end

  def interrupt(&action)
    return action.call if current?
    @interrupt = action
    VirtualTime.interrupt(self)
  end
end
