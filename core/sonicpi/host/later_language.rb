# The language that Sonic Pi gained from 3.3 to 5.0, on top of 3.2.2. docs/renderer.md lists it.
require_relative 'random_sources'
require_relative 'tuplets'
require_relative 'link_tempo'
require_relative 'later_scales_and_chords'
require_relative 'outside_clocks'
require_relative 'live_loop_moves'
require_relative 'later_fixes'
require_relative 'language_of_version_5'

# The functions that 3.2.2 does not have. A program may define its own of the same name.
module LaterLanguage
  include RandomSources::Language
  include Tuplets
  include LinkTempo::Language

  include OutsideClocks

  # Loads a SynthDef of the user's in live Sonic Pi.
  def load_synthdef(*)
    message = 'load_synthdef has no effect here: only the synths of Sonic Pi are available'
    __msg_queue.record_warning('ignored', message, ProgramReport.current_line)
  end

  # `MixerOfVersion5` replaces this for Sonic Pi 5.
  def current_drive
    0.5
  end

  # Lets a program define a function of one of these names, as in 3.2.2.
  module Definitions
    def define(name, &block)
      is_later = LaterLanguage.method_defined?(name) && !@user_methods.method_defined?(name)
      return super unless block && is_later
      @user_methods.send(:define_method, name, &block)
    end
  end

  # Add the functions below those of the user. `define` adds to a module of the language class, and `def`
  # to the module in which Sonic Pi evaluates a program.
  def self.include_below_user_methods
    SonicPi::RuntimeMethods.include(self)
  end

  def self.prepend_overrides_to(language)
    [LaterFixes, LinkTempo::Overrides, OutsideClocks::Overrides, LiveLoopMoves, Definitions].each { |part| language.prepend(part) }
  end
end
